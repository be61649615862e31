//! The stable codes of refusals and errors. Programs must use the code, never the text or the HTTP status alone.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stable code in SCREAMING_SNAKE_CASE.
///
/// It is a string, not an enum: the next release may send or store a code that this release does not know, and this
/// release must return it unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "INSUFFICIENT_STOCK", pattern = "^[A-Z0-9_]{1,64}$")]
pub struct Code(Cow<'static, str>);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $status:literal $($refusal:ident)?),* $(,)?) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed(stringify!($name)));)*

            /// The HTTP status of the code. A code from a later release has the status 409.
            #[must_use]
            pub fn status(&self) -> u16 {
                match self.as_str() {
                    $(stringify!($name) => $status,)*
                    _ => 409,
                }
            }

            /// Whether the code is a refusal: the answer is final, and the step is not retried.
            #[must_use]
            pub fn is_refusal(&self) -> bool {
                match self.as_str() {
                    $(stringify!($name) => codes!(@refusal $($refusal)?),)*
                    _ => false,
                }
            }
        }
    };
    (@refusal refusal) => { true };
    (@refusal) => { false };
}

codes! {
    // Refusals of a step.
    /// Fewer units are free than were ordered.
    INSUFFICIENT_STOCK 409 refusal,
    /// The product does not exist.
    UNKNOWN_PRODUCT 422 refusal,
    /// The amount is not price × quantity.
    AMOUNT_MISMATCH 422 refusal,
    /// The payment gateway declined the payment.
    PAYMENT_DECLINED 402 refusal,
    /// The saga was undone. `reason` has the code of its first refusal.
    SAGA_CANCELLED 409 refusal,
    /// The same key was used before with a different request.
    IDEMPOTENCY_KEY_REUSED 422 refusal,
    /// The order was paid before it could be cancelled. It will end CONFIRMED.
    ORDER_ALREADY_PAID 409 refusal,

    // A contradiction that must not happen. The step is retried and becomes stuck.
    /// An undo arrived after the confirm.
    ALREADY_CONFIRMED 409,

    // Further reasons why an order ended CANCELLED.
    /// The customer cancelled the order.
    CANCELLED_BY_CUSTOMER 409,
    /// The order was not paid before its deadline.
    DEADLINE_EXCEEDED 409,

    // Temporary errors: the client should retry.
    /// Another call to this step is running.
    IN_PROGRESS 409,
    /// Another order's saga is still running under this key.
    ORDER_CONFLICT 409,
    /// The payment gateway did not answer.
    GATEWAY_UNAVAILABLE 503,
    /// The limit of concurrent calls to the payment gateway is reached.
    GATEWAY_BUSY 503,
    /// The database did not answer.
    DATABASE_UNAVAILABLE 503,
    /// A service did not answer.
    SERVICE_UNAVAILABLE 503,
    /// The process is still starting.
    STARTING 503,
    /// The in-flight limit is reached. Nothing was started.
    OVERLOADED 503,
    /// Temporal did not answer. The order may have started.
    TEMPORAL_UNAVAILABLE 503,

    // Invalid requests.
    /// A field is missing, unknown or out of range. `errors` names it.
    VALIDATION_FAILED 422,
    /// The body is not valid JSON, or not UTF-8.
    MALFORMED_JSON 400,
    /// The body is larger than 64 KiB.
    BODY_TOO_LARGE 413,
    /// The content type is not `application/json`.
    UNSUPPORTED_MEDIA_TYPE 415,
    /// The `Idempotency-Key` header is not a valid key.
    INVALID_IDEMPOTENCY_KEY 400,
    /// The resource does not exist.
    NOT_FOUND 404,
    /// The path exists, but not with this method.
    METHOD_NOT_ALLOWED 405,
    /// A product with this id already exists, with a different name or price.
    PRODUCT_EXISTS 409,
    /// An internal error. The log has the details.
    INTERNAL 500,
}

impl Code {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
