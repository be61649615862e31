//! The stable codes of refusals and errors. Programs decide by the code, never by a text or an HTTP status alone.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stable code in SCREAMING_SNAKE_CASE.
///
/// A string and not an enum: the next release may send or store a code that this release does not know, and must
/// get it back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "INSUFFICIENT_STOCK", pattern = "^[A-Z0-9_]{1,64}$")]
pub struct Code(Cow<'static, str>);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $status:literal),* $(,)?) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed(stringify!($name)));)*

            /// The HTTP status that goes with the code; 409 for a code of a later release.
            #[must_use]
            pub fn status(&self) -> u16 {
                match self.as_str() {
                    $(stringify!($name) => $status,)*
                    _ => 409,
                }
            }
        }
    };
}

codes! {
    // Refusals: final at once.
    /// Fewer free pieces than ordered.
    INSUFFICIENT_STOCK 409,
    /// No such product.
    UNKNOWN_PRODUCT 422,
    /// The amount is not price × quantity.
    AMOUNT_MISMATCH 422,
    /// The card network said no.
    PAYMENT_DECLINED 402,
    /// This saga was undone; `reason` says why.
    SAGA_CANCELLED 409,
    /// The same key came before with another body.
    IDEMPOTENCY_KEY_REUSED 422,
    /// The payment went through before the cancel: the order goes forward.
    ALREADY_PAID 409,

    // Contradictions that the design excludes: tried again, and an alarm.
    /// An undo came after the confirm.
    ALREADY_CONFIRMED 409,

    // Why an order ended CANCELLED, beside the refusals above.
    /// The customer cancelled.
    CANCELLED_BY_CUSTOMER 409,
    /// The order was not paid before its deadline.
    DEADLINE_EXCEEDED 409,

    // To be tried again.
    /// Another call of this step is running.
    IN_PROGRESS 409,
    /// The card network did not give an answer.
    GATEWAY_UNAVAILABLE 503,
    /// As many calls to the card network are running as are allowed.
    GATEWAY_BUSY 503,
    /// The database did not answer.
    DATABASE_UNAVAILABLE 503,
    /// A service that this one needs did not answer.
    SERVICE_UNAVAILABLE 503,
    /// The process has not finished starting.
    STARTING 503,
    /// More orders are running than the worker has room for.
    OVERLOADED 503,
    /// Temporal did not answer; the order may have started.
    TEMPORAL_UNAVAILABLE 503,

    // Answers of the orders API.
    /// The order is paid and can no longer be cancelled.
    ORDER_ALREADY_PAID 409,

    // Wrong requests.
    /// A field is missing, unknown or out of range; `errors` names it.
    VALIDATION_FAILED 422,
    /// The body is not JSON, or not UTF-8.
    MALFORMED_JSON 400,
    /// The body is larger than 64 KiB.
    BODY_TOO_LARGE 413,
    /// The content type is not application/json.
    UNSUPPORTED_MEDIA_TYPE 415,
    /// The `Idempotency-Key` header is not a key.
    INVALID_IDEMPOTENCY_KEY 400,
    /// Nothing is here.
    NOT_FOUND 404,
    /// The path is right, the method is not.
    METHOD_NOT_ALLOWED 405,
    /// A product with this id exists already, with other data.
    PRODUCT_EXISTS 409,
    /// A fault of ours.
    INTERNAL 500,
}

impl Code {
    /// The refusals: final at once, never tried again. Everything else is.
    const REFUSALS: [Self; 7] = [
        Self::INSUFFICIENT_STOCK,
        Self::UNKNOWN_PRODUCT,
        Self::AMOUNT_MISMATCH,
        Self::PAYMENT_DECLINED,
        Self::SAGA_CANCELLED,
        Self::IDEMPOTENCY_KEY_REUSED,
        Self::ALREADY_PAID,
    ];

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this a refusal, final at once?
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        Self::REFUSALS.contains(self)
    }
}

impl TryFrom<String> for Code {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let allowed = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(Cow::Owned(text)))
        } else {
            Err("must be 1 to 64 characters of A-Z, 0-9 and _")
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_later_release_survives_and_is_no_refusal() {
        let code: Code = serde_json::from_str("\"MOON_PHASE\"").expect("a string");
        assert_eq!(serde_json::to_string(&code).expect("writable"), "\"MOON_PHASE\"");
        assert!(!code.is_refusal());
    }

    #[test]
    fn a_code_read_from_text_equals_the_constant() {
        let code = Code::try_from("SAGA_CANCELLED".to_owned()).expect("a code");
        assert_eq!(code, Code::SAGA_CANCELLED);
        assert!(code.is_refusal());
    }
}
