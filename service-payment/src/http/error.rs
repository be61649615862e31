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
            Error::Declined => Self::new(Code::PAYMENT_DECLINED, text),
            Error::AlreadyPaid => Self::new(Code::ALREADY_PAID, text),
            Error::InProgress => Self::new(Code::IN_PROGRESS, text).retry_after(1),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::GatewayBusy => Self::new(Code::GATEWAY_BUSY, text).retry_after(1),
            Error::GatewayUnavailable(_) => Self::new(Code::GATEWAY_UNAVAILABLE, text).retry_after(1),
            Error::Database(error) => database::answer(error),
        }
    }
}
