//! Identifiers and counts. Their constructors check the value, so later code does not have to.

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

/// Why a value is not valid. The text is meant for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub(crate) String);

/// A whole number from 1 to a limit. It is a number in JSON and a BIGINT in the database.
macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, max $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Type, ToSchema)]
        #[serde(try_from = "i64", into = "i64")]
        #[sqlx(transparent)]
        #[schema(value_type = i64, minimum = 1)]
        pub struct $name(i64);

        impl $name {
            pub const MAX: i64 = $max;

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
    /// The id of a customer, from 1 to 9223372036854775807.
    CustomerId, max i64::MAX
);
whole_number!(
    /// The id of a product, from 1 to 9223372036854775807.
    ProductId, max i64::MAX
);
whole_number!(
    Quantity, max 1_000_000
);

/// A UUID. It is hyphenated text in JSON and in the database (CHAR(36)), so that people can read it.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
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

uuid_id!(OrderId);

impl OrderId {
    /// The id of a saga's order. It is derived from the saga id, so every retry has the same id.
    #[must_use]
    pub fn of(saga: &SagaId) -> Self {
        Self(derived("order", saga))
    }
}

uuid_id!(PaymentId);

impl PaymentId {
    /// The id of a saga's payment. It is derived from the saga id, so every retry has the same id.
    #[must_use]
    pub fn of(saga: &SagaId) -> Self {
        Self(derived("payment", saga))
    }
}

fn derived(kind: &str, saga: &SagaId) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x8b1f_4c5e_0f2d_4d0a_9c53_7a6e_21b4_90d7);
    Uuid::new_v5(&NAMESPACE, format!("{kind}/{saga}").as_bytes())
}

/// The value of the header `Idempotency-Key`: 8 to 64 characters of `A-Za-z0-9_-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A new key (a UUIDv7), for a client that sent none.
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

/// The id of a saga: `order-<key>`. It is also the id of the Temporal workflow. Every row that the saga makes stores it
/// in a column with a unique key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "order-my-key-0001", pattern = "^order-[A-Za-z0-9_-]{8,64}$")]
pub struct SagaId(String);

impl SagaId {
    const PREFIX: &str = "order-";

    #[must_use]
    pub fn of(key: &IdempotencyKey) -> Self {
        Self(format!("{}{}", Self::PREFIX, key.0))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SagaId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let key = text.strip_prefix(Self::PREFIX).ok_or_else(|| InvalidValue("must begin with order-".to_owned()))?;
        let key = key.parse().map_err(|InvalidValue(fault)| InvalidValue(format!("the part after order- {fault}")))?;
        Ok(Self::of(&key))
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
