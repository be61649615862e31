//! Reservations and stock as they should be: what each call answers, and what becomes of the rows.

use common::contract::Code;
use common::money::Money;

use crate::domain::Error;
use crate::model::Status;

/// What a caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Reserved(Money),
    Done(Status),
    Refused(Code),
    Cancelled(Code),
    Confirmed,
    KeyReused,
    NotFound,
    /// Never right.
    Fault(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(code) => Self::Refused(code),
            Error::Cancelled(reason) => Self::Cancelled(reason),
            Error::Confirmed => Self::Confirmed,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound(_) => Self::NotFound,
            other => Self::Fault(other.to_string()),
        }
    }
}

/// The sagas of a sequence: two that want two of three pieces, and two that are to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    First,
    Second,
    WrongAmount,
    UnknownProduct,
}

/// A saga's row: its state and reason.
pub(super) type Slot = Option<(Status, Option<Code>)>;

/// All rows: each saga's, and pieces that are here and that are promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) slots: [Slot; 4],
    pub(super) quantity: i64,
    pub(super) reserved: i64,
}

/// Pieces that each saga wants.
const WANTED: i64 = 2;

impl Rows {
    pub(super) fn reserve(&mut self, who: Who, price: Money) -> Outcome {
        match &self.slots[who as usize] {
            Some((Status::Released, reason)) => return Outcome::Cancelled(first(reason.as_ref())),
            Some((Status::Refused, reason)) => return Outcome::Refused(first(reason.as_ref())),
            Some(_) => return Outcome::Reserved(price),
            None => {}
        }
        let refusal = match who {
            Who::UnknownProduct => Some(Code::UNKNOWN_PRODUCT),
            Who::WrongAmount => Some(Code::AMOUNT_MISMATCH),
            _ if self.quantity - self.reserved < WANTED => Some(Code::INSUFFICIENT_STOCK),
            _ => None,
        };
        if let Some(code) = refusal {
            self.slots[who as usize] = Some((Status::Refused, Some(code.clone())));
            return Outcome::Refused(code);
        }
        self.reserved += WANTED;
        self.slots[who as usize] = Some((Status::Reserved, None));
        Outcome::Reserved(price)
    }

    pub(super) fn confirm(&mut self, who: Who) -> Outcome {
        match &self.slots[who as usize] {
            None => return Outcome::NotFound,
            Some((Status::Released | Status::Refused, reason)) => return Outcome::Cancelled(first(reason.as_ref())),
            Some((Status::Reserved, _)) => {
                self.reserved -= WANTED;
                self.quantity -= WANTED;
            }
            Some(_) => {}
        }
        self.slots[who as usize] = Some((Status::Confirmed, None));
        Outcome::Done(Status::Confirmed)
    }

    pub(super) fn release(&mut self, who: Who, reason: &Code) -> Outcome {
        let slot = &mut self.slots[who as usize];
        let reason = match slot {
            Some((Status::Confirmed, _)) => return Outcome::Confirmed,
            Some((Status::Reserved, _)) => {
                self.reserved -= WANTED;
                reason.clone()
            }
            Some((_, first_reason)) => first(first_reason.as_ref()),
            None => reason.clone(),
        };
        *slot = Some((Status::Released, Some(reason)));
        Outcome::Done(Status::Released)
    }
}

fn first(reason: Option<&Code>) -> Code {
    reason.cloned().expect("a row that is over has a reason")
}
