//! Use cases: one transaction each.

pub(crate) mod products;
pub(crate) mod stock;
#[cfg(test)]
mod tests;

use common::contract::Code;
use common::database::HasSqlxError;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the reservation was refused: {0}")]
    Refused(Code),
    #[error("the saga was cancelled: {0}")]
    SagaCancelled(Code),
    #[error("the reservation is confirmed")]
    AlreadyConfirmed,
    #[error("the idempotency key was used before with another request")]
    KeyReused,
    #[error("the delivery was added before with another product or quantity")]
    DeliveryIdReused,
    #[error("the product exists with another name or price")]
    ProductExists,
    #[error("the {0} does not exist")]
    NotFound(&'static str),
    #[error("is more than the stock can hold")]
    TooManyUnits,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl HasSqlxError for Error {
    fn sqlx_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
