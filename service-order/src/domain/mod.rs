//! Use cases: one transaction each.

pub(crate) mod orders;
#[cfg(test)]
mod tests;

use common::contract::Code;
use common::database::AsDatabaseError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the saga was cancelled: {0}")]
    Cancelled(Code),
    #[error("the order is confirmed")]
    Confirmed,
    #[error("the idempotency key came before with another request")]
    KeyReused,
    #[error("no such order")]
    NotFound,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl AsDatabaseError for Error {
    fn as_database_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
