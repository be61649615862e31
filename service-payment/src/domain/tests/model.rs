//! The decision table of the payment row as a model: the answer to each call, and the row afterwards.

use common::contract::Code;
use common::contract::payment::PaymentStatus;
use common::ids::PaymentId;

use super::gateway::{Answer, Request};
use crate::domain::Error;
use crate::gateway::{ChargeStatus, Verdict};
use PaymentStatus::{Approved, Approving, Cancelled, Cancelling, Declined};

/// What a caller receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Paid(PaymentId),
    Decided(PaymentStatus, Code),
    Voided(PaymentStatus),
    Declined,
    SagaCancelled(Code),
    AlreadyPaid,
    InProgress,
    KeyReused,
    NotFound,
    NoAnswer,
    /// An outcome that the table never allows.
    Unexpected(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::SagaCancelled(reason) => Self::SagaCancelled(reason),
            Error::Declined => Self::Declined,
            Error::AlreadyPaid => Self::AlreadyPaid,
            Error::InProgress => Self::InProgress,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound => Self::NotFound,
            Error::GatewayUnavailable { .. } => Self::NoAnswer,
            other => Self::Unexpected(other.to_string()),
        }
    }
}

/// What a call does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Sends(Request),
    Returns(Outcome),
}

/// The payment row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) status: PaymentStatus,
    pub(super) reason: Option<Code>,
    pub(super) payment_id: PaymentId,
    /// Whether the lease of an APPROVING row is running.
    pub(super) lease_live: bool,
    /// The number of the call that has the lease.
    pub(super) holder: usize,
}

/// `pay`, until it sends its first request.
pub(super) fn pay(slot: &mut Option<Row>, call: usize, payment_id: PaymentId) -> Next {
    let Some(row) = slot else {
        *slot = Some(Row { status: Approving, reason: None, payment_id, lease_live: true, holder: call });
        return Next::Sends(Request::Approve);
    };
    match row.status {
        Approving if row.lease_live => Next::Returns(Outcome::InProgress),
        Approving => {
            (row.lease_live, row.holder) = (true, call);
            Next::Sends(Request::Status)
        }
        _ => Next::Returns(answer_of(row)),
    }
}

pub(super) fn cancel(slot: &mut Option<Row>, reason: &Code, payment_id: PaymentId) -> Next {
    let tombstone =
        || Row { status: Cancelled, reason: Some(reason.clone()), payment_id, lease_live: false, holder: 0 };
    let row = slot.get_or_insert_with(tombstone);
    if row.status == Approving {
        (row.status, row.reason) = (Cancelling, Some(reason.clone()));
    }
    Next::Returns(match row.status {
        Approved => Outcome::AlreadyPaid,
        status => Outcome::Decided(status, row.reason.clone().expect("a decided row has a reason")),
    })
}

/// `void`, until it sends its request.
pub(super) fn void(slot: Option<&Row>) -> Next {
    match slot.map(|row| row.status) {
        None => Next::Returns(Outcome::NotFound),
        Some(Approving) => Next::Returns(Outcome::InProgress),
        Some(Approved) => Next::Returns(Outcome::AlreadyPaid),
        Some(Cancelling) => Next::Sends(Request::Cancel),
        Some(unchanged) => Next::Returns(Outcome::Voided(unchanged)),
    }
}

/// What a call does after the gateway's answer, or after a time-out (`None`).
pub(super) fn continue_call(row: &mut Row, call: usize, request: Request, answer: Option<Answer>) -> Next {
    match answer {
        None => {
            if request != Request::Cancel && row.status == Approving && row.holder == call {
                row.lease_live = false;
            }
            Next::Returns(Outcome::NoAnswer)
        }
        Some(Answer::Status(ChargeStatus::NotFound | ChargeStatus::Pending)) => Next::Sends(Request::Approve),
        Some(Answer::Status(ChargeStatus::Final(verdict)) | Answer::Verdict(verdict)) => {
            Next::Returns(record(row, call, &verdict))
        }
        Some(Answer::Cancelled) => {
            if row.status == Cancelling {
                row.status = Cancelled;
            }
            Next::Returns(Outcome::Voided(Cancelled))
        }
    }
}

fn record(row: &mut Row, call: usize, verdict: &Verdict) -> Outcome {
    if row.status == Approving && row.holder == call {
        (row.status, row.reason) = match verdict {
            Verdict::Approved => (Approved, None),
            Verdict::Declined(_) | Verdict::KeyCancelled => (Declined, Some(Code::PAYMENT_DECLINED)),
        };
    }
    answer_of(row)
}

fn answer_of(row: &Row) -> Outcome {
    match row.status {
        Approving => Outcome::InProgress,
        Approved => Outcome::Paid(row.payment_id),
        Declined => Outcome::Declined,
        Cancelling | Cancelled => Outcome::SagaCancelled(row.reason.clone().expect("a cancelled row has a reason")),
    }
}
