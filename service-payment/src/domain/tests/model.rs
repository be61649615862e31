//! The payment row as the design's table has it: what each call answers, and what becomes of the row.

use common::contract::Code;
use common::contract::payment::PaymentStatus;
use common::ids::PaymentId;

use super::network::{Answer, Asked};
use crate::domain::Error;
use crate::gateway::{ChargeStatus, Verdict};
use PaymentStatus::{Approved, Approving, Cancelled, Cancelling, Declined};

/// What a caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Paid(PaymentId),
    Decided(PaymentStatus, Code),
    Settled(PaymentStatus),
    Declined,
    Cancelled(Code),
    AlreadyPaid,
    InProgress,
    KeyReused,
    NotFound,
    NoAnswer,
    /// Never right.
    Fault(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled(reason) => Self::Cancelled(reason),
            Error::Declined => Self::Declined,
            Error::AlreadyPaid => Self::AlreadyPaid,
            Error::InProgress => Self::InProgress,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound => Self::NotFound,
            Error::GatewayUnavailable(_) => Self::NoAnswer,
            other => Self::Fault(other.to_string()),
        }
    }
}

/// What a call does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Asks(Asked),
    Ends(Outcome),
}

/// The row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) status: PaymentStatus,
    pub(super) reason: Option<Code>,
    pub(super) payment_id: PaymentId,
    /// Is the lease of an APPROVING row running?
    pub(super) live: bool,
    /// Which call has the lease.
    pub(super) holder: usize,
}

/// A saga's row, if it has one.
pub(super) type Slot = Option<Row>;

/// `pay`, up to its first message.
pub(super) fn pay(slot: &mut Slot, call: usize, payment_id: PaymentId) -> Next {
    let Some(row) = slot else {
        *slot = Some(Row { status: Approving, reason: None, payment_id, live: true, holder: call });
        return Next::Asks(Asked::Approve);
    };
    match row.status {
        Approving if row.live => Next::Ends(Outcome::InProgress),
        Approving => {
            (row.live, row.holder) = (true, call);
            Next::Asks(Asked::Status)
        }
        _ => Next::Ends(answer_of(row)),
    }
}

/// `cancel`.
pub(super) fn cancel(slot: &mut Slot, reason: &Code, payment_id: PaymentId) -> Next {
    let fresh = || Row { status: Cancelled, reason: Some(reason.clone()), payment_id, live: false, holder: 0 };
    let row = slot.get_or_insert_with(fresh);
    if row.status == Approving {
        (row.status, row.reason) = (Cancelling, Some(reason.clone()));
    }
    Next::Ends(match row.status {
        Approved => Outcome::AlreadyPaid,
        status => Outcome::Decided(status, row.reason.clone().expect("a decided row has a reason")),
    })
}

/// `settle`, up to its message.
pub(super) fn settle(slot: &Slot) -> Next {
    match slot.as_ref().map(|row| row.status) {
        None => Next::Ends(Outcome::NotFound),
        Some(Approving) => Next::Ends(Outcome::InProgress),
        Some(Approved) => Next::Ends(Outcome::AlreadyPaid),
        Some(Cancelling) => Next::Asks(Asked::Cancel),
        Some(settled) => Next::Ends(Outcome::Settled(settled)),
    }
}

/// What a call does when it hears from the network, or does not.
pub(super) fn heard(row: &mut Row, call: usize, asked: Asked, answer: Option<Answer>) -> Next {
    match answer {
        None => {
            if asked != Asked::Cancel && row.status == Approving && row.holder == call {
                row.live = false;
            }
            Next::Ends(Outcome::NoAnswer)
        }
        Some(Answer::Status(ChargeStatus::NotFound | ChargeStatus::Pending)) => Next::Asks(Asked::Approve),
        Some(Answer::Status(ChargeStatus::Final(verdict)) | Answer::Verdict(verdict)) => {
            Next::Ends(record(row, call, &verdict))
        }
        Some(Answer::Cancelled) => {
            if row.status == Cancelling {
                row.status = Cancelled;
            }
            Next::Ends(Outcome::Settled(Cancelled))
        }
    }
}

fn record(row: &mut Row, call: usize, verdict: &Verdict) -> Outcome {
    if row.status == Approving && row.holder == call {
        (row.status, row.reason) = match verdict {
            Verdict::Approved => (Approved, None),
            Verdict::Declined(_) | Verdict::Cancelled => (Declined, Some(Code::PAYMENT_DECLINED)),
        };
    }
    answer_of(row)
}

fn answer_of(row: &Row) -> Outcome {
    match row.status {
        Approving => Outcome::InProgress,
        Approved => Outcome::Paid(row.payment_id),
        Declined => Outcome::Declined,
        Cancelling | Cancelled => Outcome::Cancelled(row.reason.clone().expect("a cancelled row has a reason")),
    }
}
