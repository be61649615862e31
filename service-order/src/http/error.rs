//! Errors as answers.

use common::contract::Code;
use common::database;
use common::http::ApiError;

use crate::domain::Error;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Cancelled(reason) => Self::new(Code::SAGA_CANCELLED, text).because(reason),
            Error::Confirmed => Self::new(Code::ALREADY_CONFIRMED, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::Database(error) => database::answer(error),
        }
    }
}
