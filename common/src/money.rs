//! Money, as an exact decimal and never as a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use sqlx::{Decode, Encode, MySql, Type};
use utoipa::ToSchema;

use crate::ids::{InvalidValue, Quantity};

/// An amount of money greater than zero, in the shop's only currency. It has at most 13 digits before and 2 digits after
/// the decimal point, and is a DECIMAL(15,2) in the database.
///
/// In JSON it is a number. It is parsed from the text of that number and never converted to a binary float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = f64, example = 20000)]
pub struct Money(Decimal);

impl Money {
    const SCALE: u32 = 2;
    const MAX_CENTS: i128 = 999_999_999_999_999;

    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// This price × `quantity`, or `None` if the result is larger than the largest amount.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Option<Self> {
        let product = self.0.checked_mul(Decimal::from(quantity.get()))?;
        Self::try_from(product).ok()
    }
}

impl TryFrom<Decimal> for Money {
    type Error = InvalidValue;

    fn try_from(value: Decimal) -> Result<Self, InvalidValue> {
        let value = value.normalize();
        if value <= Decimal::ZERO {
            return Err(InvalidValue("must be more than zero".to_owned()));
        }
        if value.scale() > Self::SCALE {
            return Err(InvalidValue("must have at most 2 digits after the decimal point".to_owned()));
        }
        if value > Decimal::from_i128_with_scale(Self::MAX_CENTS, Self::SCALE) {
            return Err(InvalidValue("must have at most 13 digits before the decimal point".to_owned()));
        }
        Ok(Self(value))
    }
}

impl FromStr for Money {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Decimal::from_str_exact(text)
            .or_else(|_| scientific(text))
            .map_err(|_| {
                InvalidValue("must be an amount with at most 15 digits, 2 of them after the decimal point".to_owned())
            })
            .and_then(Self::try_from)
    }
}

/// `from_scientific` alone would round away digits that do not fit.
fn scientific(text: &str) -> Result<Decimal, rust_decimal::Error> {
    Decimal::from_str_exact(text.split(['e', 'E']).next().unwrap_or_default())?;
    Decimal::from_scientific(text)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Type<MySql> for Money {
    fn type_info() -> MySqlTypeInfo {
        <Decimal as Type<MySql>>::type_info()
    }

    fn compatible(ty: &MySqlTypeInfo) -> bool {
        <Decimal as Type<MySql>>::compatible(ty)
    }
}

impl Encode<'_, MySql> for Money {
    fn encode_by_ref(&self, buf: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        Encode::<MySql>::encode_by_ref(&self.0, buf)
    }
}

impl Decode<'_, MySql> for Money {
    fn decode(value: MySqlValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::try_from(<Decimal as Decode<MySql>>::decode(value)?)?)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(D::Error::custom("must be a number"));
        }
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Money, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn an_amount_is_read_and_written_exactly() {
        for (json, written) in [
            ("20000", "20000"),
            ("20000.00", "20000"),
            ("0.1", "0.1"),
            ("9999999999999.99", "9999999999999.99"),
            ("2e4", "20000"),
            ("1.50", "1.5"),
        ] {
            let money = read(json).expect(json);
            assert_eq!(serde_json::to_string(&money).expect("writable"), written);
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for json in [
            "0",
            "-1",
            "0.001",
            "10000000000000",
            "1e999",
            "1e-3",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "{}",
            "NaN",
            "1.999",
            "1.00000000000000000000000000000000001e0",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn price_times_quantity_is_exact_and_never_overflows() {
        let price: Money = "0.1".parse().expect("an amount");
        let three = Quantity::try_from(3).expect("a quantity");
        assert_eq!(price.times(three).map(|m| m.to_string()), Some("0.3".to_owned()));
        let large: Money = "9999999999999.99".parse().expect("an amount");
        assert_eq!(large.times(three), None);
    }
}
