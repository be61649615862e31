//! The sequences that are drawn: calls, and what happens to them on their way.

use common::contract::Code;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};

use super::network::Card;

/// One step of a sequence. There is one saga for each kind of card; `crash` is after how many waits a call crashes;
/// `which` of the calls that wait for the network, or of the messages whose callers have gone.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Pay { saga: Card, crash: Option<u32> },
    Cancel { saga: Card, reason: Code, crash: Option<u32> },
    Settle { saga: Card, crash: Option<u32> },
    CallsOfAnotherRequest { saga: Card },
    LeaseRunsOut { saga: Card },
    ChargeTakesEffect { saga: Card },
    MessageArrives { which: usize },
    AnswerComes { which: usize, crash: Option<u32> },
    NoAnswerComes { which: usize },
    CallerCrashes { which: usize },
    LateMessageArrives { which: usize },
}

/// Sequences of up to 24 steps.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let saga = || prop_oneof![3 => Just(Card::Approved), 1 => Just(Card::Declined), 2 => Just(Card::Slow)];
    let crash = || weighted(0.2, 1..16_u32);
    let reason = || prop_oneof![Just(Code::CANCELLED_BY_CUSTOMER), Just(Code::DEADLINE_EXCEEDED)];
    let which = || 0..3_usize;
    let step = prop_oneof![
        6 => (saga(), crash()).prop_map(|(saga, crash)| Step::Pay { saga, crash }),
        2 => (saga(), reason(), crash()).prop_map(|(saga, reason, crash)| Step::Cancel { saga, reason, crash }),
        2 => (saga(), crash()).prop_map(|(saga, crash)| Step::Settle { saga, crash }),
        1 => saga().prop_map(|saga| Step::CallsOfAnotherRequest { saga }),
        2 => saga().prop_map(|saga| Step::LeaseRunsOut { saga }),
        1 => saga().prop_map(|saga| Step::ChargeTakesEffect { saga }),
        1 => which().prop_map(|which| Step::MessageArrives { which }),
        5 => (which(), crash()).prop_map(|(which, crash)| Step::AnswerComes { which, crash }),
        2 => which().prop_map(|which| Step::NoAnswerComes { which }),
        1 => which().prop_map(|which| Step::CallerCrashes { which }),
        2 => which().prop_map(|which| Step::LateMessageArrives { which }),
    ];
    vec(step, 1..24)
}
