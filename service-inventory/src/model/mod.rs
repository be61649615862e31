//! The states of a reservation and their legal transitions, and the names that callers choose. Pure code without I/O.

use std::str::FromStr;

use common::ids::{IdempotencyKey, InvalidValue};

/// The status of a reservation's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    /// This transaction has inserted the row. No transaction commits this status.
    New,
    Reserved,
    /// The units have left the stock.
    Confirmed,
    /// The units are free again, or were never reserved.
    Released,
    /// No units were reserved. The row's reason says why.
    Refused,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Reserved => "RESERVED",
            Self::Confirmed => "CONFIRMED",
            Self::Released => "RELEASED",
            Self::Refused => "REFUSED",
        }
    }
}

/// Why the state of the row does not allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// An earlier call refused the reservation.
    Refused,
    SagaCancelled,
    AlreadyConfirmed,
    NoReservation,
}

/// What `stock.reserve` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// An earlier call has reserved the units.
    Nothing,
    /// Check the order, then reserve the units or refuse.
    Allocate,
}

/// What `stock.confirm` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// An earlier call has removed the units.
    Nothing,
    /// Remove the reserved units from the stock.
    RemoveUnits,
}

/// What `stock.release` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// An earlier call has released the reservation.
    Nothing,
    /// Change only the row, because no units were reserved.
    MarkRow,
    /// Change the row and free the reserved units.
    FreeUnits,
}

/// `stock.reserve`. The row exists: an earlier call or this call has inserted it.
pub(crate) fn reserve(status: Status) -> Result<Reserve, Conflict> {
    match status {
        Status::New => Ok(Reserve::Allocate),
        Status::Reserved | Status::Confirmed => Ok(Reserve::Nothing),
        Status::Released => Err(Conflict::SagaCancelled),
        Status::Refused => Err(Conflict::Refused),
    }
}

/// `stock.confirm`.
pub(crate) fn confirm(status: Status) -> Result<Confirm, Conflict> {
    match status {
        Status::Reserved => Ok(Confirm::RemoveUnits),
        Status::Confirmed => Ok(Confirm::Nothing),
        Status::Released | Status::Refused => Err(Conflict::SagaCancelled),
        Status::New => Err(Conflict::NoReservation),
    }
}

/// `stock.release`. The row exists: an earlier call or this call has inserted it.
pub(crate) fn release(status: Status) -> Result<Release, Conflict> {
    match status {
        Status::Reserved => Ok(Release::FreeUnits),
        Status::New | Status::Refused => Ok(Release::MarkRow),
        Status::Released => Ok(Release::Nothing),
        Status::Confirmed => Err(Conflict::AlreadyConfirmed),
    }
}

/// A product's name: 1 to 200 characters, without control characters, and not only white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductName(String);

impl ProductName {
    const MAX: usize = 200;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProductName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() || text.chars().count() > Self::MAX {
            Err("must be 1 to 200 characters and not only white space")
        } else if text.chars().any(char::is_control) {
            Err("must not contain control characters")
        } else {
            Ok(Self(text))
        }
    }
}

/// A delivery's id. It is an idempotency key and has the same form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryId(String);

impl DeliveryId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        IdempotencyKey::from_str(&text)?;
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_beats_idempotency() {
        assert_eq!(reserve(Status::Released), Err(Conflict::SagaCancelled));
        assert_eq!(confirm(Status::Released), Err(Conflict::SagaCancelled));
    }

    #[test]
    fn a_refusal_is_repeated_and_cannot_be_confirmed() {
        assert_eq!(reserve(Status::Refused), Err(Conflict::Refused));
        assert_eq!(confirm(Status::Refused), Err(Conflict::SagaCancelled));
    }

    #[test]
    fn only_reserved_units_are_removed_or_freed() {
        assert_eq!(confirm(Status::Reserved), Ok(Confirm::RemoveUnits));
        assert_eq!(release(Status::Reserved), Ok(Release::FreeUnits));
        for status in [Status::New, Status::Refused, Status::Released] {
            assert_ne!(release(status), Ok(Release::FreeUnits), "{status:?}");
            assert_ne!(confirm(status), Ok(Confirm::RemoveUnits), "{status:?}");
        }
    }

    #[test]
    fn confirmed_units_are_never_released() {
        assert_eq!(release(Status::Confirmed), Err(Conflict::AlreadyConfirmed));
        assert_eq!(reserve(Status::Confirmed), Ok(Reserve::Nothing));
    }

    #[test]
    fn a_name_has_at_most_200_characters_and_not_only_white_space() {
        for good in ["x".to_owned(), "찻".repeat(200), " a ".to_owned()] {
            assert!(ProductName::try_from(good.clone()).is_ok(), "{good}");
        }
        for bad in [String::new(), " \u{3000}".to_owned(), "찻".repeat(201), "a\nb".to_owned(), "a\0".to_owned()] {
            assert!(ProductName::try_from(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
