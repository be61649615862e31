//! The saga id from the `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use common::contract::Code;
use common::http::{ApiError, record_saga};
use common::ids::{IdempotencyKey, InvalidValue, SagaId};

const HEADER: &str = "Idempotency-Key";

/// The saga id for the client's key, or for a new key if the client sent none.
pub(super) struct SagaOfKey(pub(super) SagaId);

impl<S: Send + Sync> FromRequestParts<S> for SagaOfKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let refuse = |fault: &str| ApiError::field(Code::INVALID_IDEMPOTENCY_KEY, HEADER, fault).about_order(None);
        let mut values = parts.headers.get_all(HEADER).iter();
        let key = match (values.next(), values.next()) {
            (None, _) => IdempotencyKey::fresh(),
            (Some(_), Some(_)) => return Err(refuse("must be sent exactly once per request")),
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| refuse("must be ASCII"))?;
                text.parse().map_err(|error: InvalidValue| refuse(&error.to_string()))?
            }
        };
        let saga = SagaId::of(&key);
        record_saga(&saga);
        Ok(Self(saga))
    }
}
