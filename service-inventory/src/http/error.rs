//! Errors as answers.

use common::contract::Code;
use common::database;
use common::http::ApiError;

use crate::domain::Error;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Refused(code) => Self::new(code, text),
            Error::Cancelled(reason) => Self::new(Code::SAGA_CANCELLED, text).because(reason),
            Error::Confirmed => Self::new(Code::ALREADY_CONFIRMED, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::DeliveryReused => Self::field(Code::IDEMPOTENCY_KEY_REUSED, "deliveryId", text),
            Error::ProductExists => Self::new(Code::PRODUCT_EXISTS, text),
            Error::NotFound(_) => Self::new(Code::NOT_FOUND, text),
            Error::TooMany => Self::field(Code::VALIDATION_FAILED, "quantity", text),
            Error::Database(error) => database::answer(error),
        }
    }
}
