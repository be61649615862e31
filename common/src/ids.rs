//! Identifiers and counts: newtypes whose only constructor checks them, so that past the edge nobody re-checks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use sqlx::{Decode, Encode, MySql, Type};
use utoipa::ToSchema;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Why a value is not one of ours; the text is meant for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub(crate) String);

/// A whole number from 1 up to a limit; on the wire a JSON number, in the database a BIGINT.
macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, max $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Type, ToSchema)]
        #[serde(try_from = "i64", into = "i64")]
        #[sqlx(transparent)]
        #[schema(value_type = i64, minimum = 1)]
        pub struct $name(i64);

        impl $name {
            /// The largest value allowed.
            pub const MAX: i64 = $max;

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = InvalidValue;

            fn try_from(value: i64) -> Result<Self, InvalidValue> {
                if (1..=Self::MAX).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidValue(format!("must be a whole number from 1 to {}", Self::MAX)))
                }
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> i64 {
                value.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                text.parse::<i64>()
                    .map_err(|_| InvalidValue(format!("must be a whole number from 1 to {}", Self::MAX)))
                    .and_then(Self::try_from)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

whole_number!(
    /// Who buys.
    CustomerId, max i64::MAX
);
whole_number!(
    /// What is bought.
    ProductId, max i64::MAX
);
whole_number!(
    /// How many pieces; at most a million in one order.
    Quantity, max 1_000_000
);

/// A UUID; on the wire and in the database (CHAR(36)) its hyphenated text, so that people can read it in both.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7: sorts by the time it was made).
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id that differs at every call would surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidValue("must be a UUID".to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Type<MySql> for $name {
            fn type_info() -> MySqlTypeInfo {
                <Hyphenated as Type<MySql>>::type_info()
            }

            fn compatible(ty: &MySqlTypeInfo) -> bool {
                <Hyphenated as Type<MySql>>::compatible(ty)
            }
        }

        impl Encode<'_, MySql> for $name {
            fn encode_by_ref(&self, buf: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
                Encode::<MySql>::encode_by_ref(self.0.as_hyphenated(), buf)
            }
        }

        impl Decode<'_, MySql> for $name {
            fn decode(value: MySqlValueRef<'_>) -> Result<Self, BoxDynError> {
                <Hyphenated as Decode<MySql>>::decode(value).map(|id| Self(id.into_uuid()))
            }
        }
    };
}

uuid_id!(
    /// One order, in `orders.orders`.
    OrderId
);

impl OrderId {
    /// The id of this saga's order: the same whoever asks, and also once nobody remembers the first request.
    #[must_use]
    pub fn of(saga: &SagaId) -> Self {
        Self(named("order", saga))
    }
}

uuid_id!(
    /// One payment, in `payments.payments`.
    PaymentId
);

impl PaymentId {
    /// The id of this saga's payment: the same whoever asks, and also once nobody remembers the first request.
    #[must_use]
    pub fn of(saga: &SagaId) -> Self {
        Self(named("payment", saga))
    }
}

/// UUIDv5 of what it is and whose.
fn named(kind: &str, saga: &SagaId) -> Uuid {
    const OURS: Uuid = Uuid::from_u128(0x8b1f_4c5e_0f2d_4d0a_9c53_7a6e_21b4_90d7);
    Uuid::new_v5(&OURS, format!("{kind}/{saga}").as_bytes())
}

/// What a client sends as `Idempotency-Key`: 8 to 64 of `A-Za-z0-9_-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A fresh key, for a client that sent none (UUIDv7).
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        if (8..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue("must be 8 to 64 characters of A-Z, a-z, 0-9, _ and -".to_owned()))
        }
    }
}

/// One saga: `order-<key>`. It is the Temporal workflow id too, and stands under a unique key in every row that the
/// saga makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "order-my-key-0001", pattern = "^order-[A-Za-z0-9_-]{8,64}$")]
pub struct SagaId(String);

impl SagaId {
    const PREFIX: &str = "order-";

    /// The saga of an idempotency key.
    #[must_use]
    pub fn of(key: &IdempotencyKey) -> Self {
        Self(format!("{}{}", Self::PREFIX, key.0))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SagaId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let key = text.strip_prefix(Self::PREFIX).ok_or_else(|| InvalidValue("must begin with order-".to_owned()))?;
        Ok(Self::of(&key.parse()?))
    }
}

impl TryFrom<String> for SagaId {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<SagaId> for String {
    fn from(id: SagaId) -> String {
        id.0
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_refused_below_one_and_above_its_limit() {
        for bad in [i64::MIN, -1, 0, Quantity::MAX + 1] {
            assert!(Quantity::try_from(bad).is_err(), "{bad}");
        }
        assert_eq!(Quantity::try_from(1).map(Quantity::get), Ok(1));
        assert_eq!(CustomerId::try_from(i64::MAX).map(CustomerId::get), Ok(i64::MAX));
    }

    #[test]
    fn a_saga_id_is_order_and_a_key_of_8_to_64_safe_characters() {
        assert!("order-Aa0_-678".parse::<SagaId>().is_ok());
        for bad in ["order-short", "other-12345678", "order-has space", "order-ümlaut-12", "order-", ""] {
            assert!(bad.parse::<SagaId>().is_err(), "{bad}");
        }
        assert!(format!("order-{}", "x".repeat(65)).parse::<SagaId>().is_err());
    }
}
