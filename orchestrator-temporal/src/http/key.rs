//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use common::contract::Code;
use common::http::ApiError;
use common::ids::IdempotencyKey;

const HEADER: &str = "Idempotency-Key";

/// The client's key, or a fresh one where it sent none.
pub(super) struct Key(pub(super) IdempotencyKey);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let refuse = |fault: &str| ApiError::field(Code::INVALID_IDEMPOTENCY_KEY, HEADER, fault).about_order(None);
        let mut values = parts.headers.get_all(HEADER).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Self(IdempotencyKey::fresh())),
            (Some(_), Some(_)) => Err(refuse("must be sent once")),
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| refuse("must be plain ASCII"))?;
                text.parse().map(Self).map_err(|error: common::ids::InvalidValue| refuse(&error.to_string()))
            }
        }
    }
}
