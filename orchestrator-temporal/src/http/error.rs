//! Errors of the use cases as HTTP answers.

use common::contract::Code;
use common::http::ApiError;

use crate::orders::Error;

/// A client should retry after this many seconds.
const RETRY_SECONDS: u32 = 1;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Refused(code) => Self::new(code, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::Overloaded => Self::new(Code::OVERLOADED, text).retry_after(RETRY_SECONDS),
            Error::AlreadyPaid => Self::new(Code::ORDER_ALREADY_PAID, text),
            Error::Conflict => Self::new(Code::ORDER_CONFLICT, text).retry_after(RETRY_SECONDS),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::MayHaveStarted(source) | Error::Temporal(source) => {
                Self::server(Code::TEMPORAL_UNAVAILABLE, &text, source).retry_after(RETRY_SECONDS)
            }
            Error::Service(source) => Self::server(Code::SERVICE_UNAVAILABLE, &text, source).retry_after(RETRY_SECONDS),
        }
    }
}
