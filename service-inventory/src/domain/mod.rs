//! Use cases: one transaction each.

pub(crate) mod products;
pub(crate) mod stock;
#[cfg(test)]
mod tests;

use common::contract::Code;
use common::database::AsDatabaseError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the reservation was refused: {0}")]
    Refused(Code),
    #[error("the saga was cancelled: {0}")]
    Cancelled(Code),
    #[error("the reservation is confirmed")]
    Confirmed,
    #[error("the idempotency key came before with another request")]
    KeyReused,
    #[error("the delivery came before with another product or quantity")]
    DeliveryReused,
    #[error("the product exists with another name or price")]
    ProductExists,
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("would be more pieces than can be counted")]
    TooMany,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl AsDatabaseError for Error {
    fn as_database_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
