//! The expected answers to the calls, and their expected effect on reservations and stock.

use common::contract::Code;
use common::money::Money;

use crate::domain::Error;
use crate::model::Status;

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Reserved(Money),
    Done(Status),
    Refused(Code),
    SagaCancelled(Code),
    AlreadyConfirmed,
    KeyReused,
    NotFound,
    /// This outcome is always wrong.
    Unexpected(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(code) => Self::Refused(code),
            Error::SagaCancelled(reason) => Self::SagaCancelled(reason),
            Error::AlreadyConfirmed => Self::AlreadyConfirmed,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound(_) => Self::NotFound,
            other => Self::Unexpected(other.to_string()),
        }
    }
}

/// The sagas of a sequence. Two of them compete for units, and two must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saga {
    First,
    Second,
    WrongAmount,
    UnknownProduct,
}

/// The reservation row of a saga: its status and reason.
pub(super) type Reservation = Option<(Status, Option<Code>)>;

/// The reservation row of each saga, and the stock row of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) reservations: [Reservation; 4],
    pub(super) quantity: i64,
    pub(super) reserved: i64,
}

/// The number of units that each saga orders.
const ORDERED: i64 = 2;

impl Rows {
    pub(super) fn reserve(&mut self, saga: Saga, price: Money) -> Outcome {
        match &self.reservations[saga as usize] {
            Some((Status::Released, reason)) => return Outcome::SagaCancelled(stored(reason.as_ref())),
            Some((Status::Refused, reason)) => return Outcome::Refused(stored(reason.as_ref())),
            Some(_) => return Outcome::Reserved(price),
            None => {}
        }
        let refusal = match saga {
            Saga::UnknownProduct => Some(Code::UNKNOWN_PRODUCT),
            Saga::WrongAmount => Some(Code::AMOUNT_MISMATCH),
            _ if self.quantity - self.reserved < ORDERED => Some(Code::INSUFFICIENT_STOCK),
            _ => None,
        };
        if let Some(code) = refusal {
            self.reservations[saga as usize] = Some((Status::Refused, Some(code.clone())));
            return Outcome::Refused(code);
        }
        self.reserved += ORDERED;
        self.reservations[saga as usize] = Some((Status::Reserved, None));
        Outcome::Reserved(price)
    }

    pub(super) fn confirm(&mut self, saga: Saga) -> Outcome {
        match &self.reservations[saga as usize] {
            None => return Outcome::NotFound,
            Some((Status::Released | Status::Refused, reason)) => {
                return Outcome::SagaCancelled(stored(reason.as_ref()));
            }
            Some((Status::Reserved, _)) => {
                self.reserved -= ORDERED;
                self.quantity -= ORDERED;
            }
            Some(_) => {}
        }
        self.reservations[saga as usize] = Some((Status::Confirmed, None));
        Outcome::Done(Status::Confirmed)
    }

    pub(super) fn release(&mut self, saga: Saga, reason: &Code) -> Outcome {
        let reservation = &mut self.reservations[saga as usize];
        let reason = match reservation {
            Some((Status::Confirmed, _)) => return Outcome::AlreadyConfirmed,
            Some((Status::Reserved, _)) => {
                self.reserved -= ORDERED;
                reason.clone()
            }
            Some((_, first_reason)) => stored(first_reason.as_ref()),
            None => reason.clone(),
        };
        *reservation = Some((Status::Released, Some(reason)));
        Outcome::Done(Status::Released)
    }
}

fn stored(reason: Option<&Code>) -> Code {
    reason.cloned().expect("a refused or released row has a reason")
}
