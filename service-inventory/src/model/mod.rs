//! The reservation's states and their legal transitions, and the names that callers choose: pure, no I/O.

use std::str::FromStr;

use common::ids::{IdempotencyKey, InvalidValue};

/// Where a reservation's row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    /// Made by this very transaction, and never committed so.
    New,
    /// The pieces are promised.
    Reserved,
    /// The pieces are gone.
    Confirmed,
    /// The pieces are back, or never were taken.
    Released,
    /// No pieces were promised; the row's reason says why.
    Refused,
}

impl Status {
    /// The state's name.
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

/// Why a call cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The reservation was refused before.
    Refused,
    /// The saga was undone.
    Cancelled,
    /// The pieces are gone.
    Confirmed,
    /// There is no reservation.
    Missing,
}

/// What `stock.reserve` has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// Nothing: the call came before.
    Nothing,
    /// Look at product and stock.
    Decide,
}

/// What `stock.confirm` has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// Nothing: the call came before.
    Nothing,
    /// The promised pieces leave.
    Take,
}

/// What `stock.release` has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Nothing: the call came before.
    Nothing,
    /// Only the row changes: no pieces were promised.
    Mark,
    /// The promised pieces are free again.
    GiveBack,
}

/// `stock.reserve` on a row that is there, possibly just made by this very call.
pub(crate) fn reserve(status: Status) -> Result<Reserve, Conflict> {
    match status {
        Status::New => Ok(Reserve::Decide),
        Status::Reserved | Status::Confirmed => Ok(Reserve::Nothing),
        Status::Released => Err(Conflict::Cancelled),
        Status::Refused => Err(Conflict::Refused),
    }
}

/// `stock.confirm`.
pub(crate) fn confirm(status: Status) -> Result<Confirm, Conflict> {
    match status {
        Status::Reserved => Ok(Confirm::Take),
        Status::Confirmed => Ok(Confirm::Nothing),
        Status::Released | Status::Refused => Err(Conflict::Cancelled),
        Status::New => Err(Conflict::Missing),
    }
}

/// `stock.release`, also of a reservation that never was.
pub(crate) fn release(status: Status) -> Result<Release, Conflict> {
    match status {
        Status::Reserved => Ok(Release::GiveBack),
        Status::New | Status::Refused => Ok(Release::Mark),
        Status::Released => Ok(Release::Nothing),
        Status::Confirmed => Err(Conflict::Confirmed),
    }
}

/// A product's name: 1 to 200 characters, not only blanks, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductName(String);

impl ProductName {
    const MAX: usize = 200;

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProductName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() || text.chars().count() > Self::MAX {
            Err("must be 1 to 200 characters, not only blanks")
        } else if text.chars().any(char::is_control) {
            Err("must have no control characters")
        } else {
            Ok(Self(text))
        }
    }
}

/// A delivery's id: in the form of an idempotency key, which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryId(String);

impl DeliveryId {
    /// The id as text.
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
        assert_eq!(reserve(Status::Released), Err(Conflict::Cancelled));
        assert_eq!(confirm(Status::Released), Err(Conflict::Cancelled));
    }

    #[test]
    fn a_refusal_is_repeated_and_cannot_be_confirmed() {
        assert_eq!(reserve(Status::Refused), Err(Conflict::Refused));
        assert_eq!(confirm(Status::Refused), Err(Conflict::Cancelled));
    }

    #[test]
    fn only_promised_pieces_move() {
        assert_eq!(confirm(Status::Reserved), Ok(Confirm::Take));
        assert_eq!(release(Status::Reserved), Ok(Release::GiveBack));
        for status in [Status::New, Status::Refused, Status::Released] {
            assert_ne!(release(status), Ok(Release::GiveBack), "{status:?}");
            assert_ne!(confirm(status), Ok(Confirm::Take), "{status:?}");
        }
    }

    #[test]
    fn pieces_that_are_gone_never_come_back() {
        assert_eq!(release(Status::Confirmed), Err(Conflict::Confirmed));
        assert_eq!(reserve(Status::Confirmed), Ok(Reserve::Nothing));
    }

    #[test]
    fn a_name_is_counted_in_characters_and_has_something_to_see() {
        for good in ["x".to_owned(), "찻".repeat(200), " a ".to_owned()] {
            assert!(ProductName::try_from(good.clone()).is_ok(), "{good}");
        }
        for bad in [String::new(), " \u{3000}".to_owned(), "찻".repeat(201), "a\nb".to_owned(), "a\0".to_owned()] {
            assert!(ProductName::try_from(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
