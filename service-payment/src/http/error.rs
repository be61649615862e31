//! Converts the errors of the domain into error answers.

use common::contract::Code;
use common::http::ApiError;

use crate::domain::Error;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::SagaCancelled(reason) => Self::new(Code::SAGA_CANCELLED, text).with_reason(reason),
            Error::Declined => Self::new(Code::PAYMENT_DECLINED, text),
            Error::AlreadyPaid => Self::new(Code::ORDER_ALREADY_PAID, text),
            Error::InProgress => Self::new(Code::IN_PROGRESS, text).retry_after(1),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::NotFound => Self::new(Code::NOT_FOUND, text),
            Error::GatewayBusy => Self::new(Code::GATEWAY_BUSY, text).retry_after(1),
            Error::GatewayUnavailable { source: None, .. } => Self::new(Code::GATEWAY_UNAVAILABLE, text).retry_after(1),
            Error::GatewayUnavailable { source: Some(source), .. } => {
                Self::server(Code::GATEWAY_UNAVAILABLE, &text, source).retry_after(1)
            }
            Error::Database(error) => Self::database(error),
        }
    }
}
