//! The random sequences of steps: calls, and events between a call and the gateway.

use common::contract::Code;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};

use super::gateway::Card;

/// One step of a sequence. There is one saga per kind of card.
///
/// `crash` is the number of waits after which the call crashes. `which` selects one of the calls that wait for the
/// gateway, or one of the messages whose callers crashed.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Pay { saga: Card, crash: Option<u32> },
    Cancel { saga: Card, reason: Code, crash: Option<u32> },
    Void { saga: Card, crash: Option<u32> },
    CallsOfAnotherRequest { saga: Card },
    LeaseExpires { saga: Card },
    ChargeTakesEffect { saga: Card },
    MessageArrives { which: usize },
    AnswerArrives { which: usize, crash: Option<u32> },
    AnswerTimesOut { which: usize },
    CallerCrashes { which: usize },
    LateMessageArrives { which: usize },
}

/// Sequences of 1 to 23 steps.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let saga = || prop_oneof![3 => Just(Card::Approved), 1 => Just(Card::Declined), 2 => Just(Card::Slow)];
    let crash = || weighted(0.2, 1..16_u32);
    let reason = || prop_oneof![Just(Code::CANCELLED_BY_CUSTOMER), Just(Code::DEADLINE_EXCEEDED)];
    let which = || 0..3_usize;
    let step = prop_oneof![
        6 => (saga(), crash()).prop_map(|(saga, crash)| Step::Pay { saga, crash }),
        2 => (saga(), reason(), crash()).prop_map(|(saga, reason, crash)| Step::Cancel { saga, reason, crash }),
        2 => (saga(), crash()).prop_map(|(saga, crash)| Step::Void { saga, crash }),
        1 => saga().prop_map(|saga| Step::CallsOfAnotherRequest { saga }),
        2 => saga().prop_map(|saga| Step::LeaseExpires { saga }),
        1 => saga().prop_map(|saga| Step::ChargeTakesEffect { saga }),
        1 => which().prop_map(|which| Step::MessageArrives { which }),
        5 => (which(), crash()).prop_map(|(which, crash)| Step::AnswerArrives { which, crash }),
        2 => which().prop_map(|which| Step::AnswerTimesOut { which }),
        1 => which().prop_map(|which| Step::CallerCrashes { which }),
        2 => which().prop_map(|which| Step::LateMessageArrives { which }),
    ];
    vec(step, 1..24)
}
