//! Error answers.

use common::contract::Code;
use common::http::ApiError;

use crate::domain::Error;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::SagaCancelled(reason) => Self::new(Code::SAGA_CANCELLED, text).with_reason(reason),
            Error::AlreadyConfirmed => Self::new(Code::ALREADY_CONFIRMED, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::Database(error) => Self::database(error),
        }
    }
}
