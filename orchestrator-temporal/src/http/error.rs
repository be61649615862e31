//! Errors as answers.

use common::contract::Code;
use common::http::ApiError;

use crate::orders::Error;

/// When a client that met a full house should come again, in seconds.
const OVERLOADED_RETRY: u32 = 1;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Refused(code) => Self::new(code, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::Overloaded => Self::new(Code::OVERLOADED, text).retry_after(OVERLOADED_RETRY),
            Error::AlreadyPaid => Self::new(Code::ORDER_ALREADY_PAID, text),
            Error::Moving => Self::new(Code::TEMPORAL_UNAVAILABLE, text).retry_after(1),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::MayHaveStarted(source) | Error::Engine(source) => {
                Self::fault(Code::TEMPORAL_UNAVAILABLE, &text, source).retry_after(1)
            }
            Error::Service(source) => Self::fault(Code::SERVICE_UNAVAILABLE, &text, source).retry_after(1),
        }
    }
}
