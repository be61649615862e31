//! Use cases: one transaction each.

pub(crate) mod orders;
#[cfg(test)]
mod tests;

use common::contract::Code;
use common::database::HasSqlxError;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the saga was cancelled: {0}")]
    SagaCancelled(Code),
    #[error("the order is confirmed")]
    AlreadyConfirmed,
    #[error("the idempotency key was used before with another request")]
    KeyReused,
    #[error("the order does not exist")]
    NotFound,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl HasSqlxError for Error {
    fn sqlx_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
