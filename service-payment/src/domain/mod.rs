//! Use cases, one transaction each. No transaction is open during a call to the gateway.

mod cancel;
mod pay;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use common::contract::{Code, SagaOrder};
use common::database::HasSqlxError;
use sqlx::{MySqlConnection, MySqlPool};

use crate::gateway::{GatewayError, PaymentGateway};
use crate::store::payments::{self, Locked};

/// Why a use case failed. Clients see the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the saga was cancelled: {0}")]
    SagaCancelled(Code),
    #[error("the payment was declined")]
    Declined,
    #[error("the order is already paid")]
    AlreadyPaid,
    #[error("the payment is not decided yet; retry")]
    InProgress,
    #[error("the idempotency key was used before with another request")]
    KeyReused,
    #[error("the payment does not exist")]
    NotFound,
    #[error("the call to the payment gateway failed: {reason}")]
    GatewayUnavailable { reason: String, source: Option<Box<dyn std::error::Error + Send + Sync>> },
    #[error("all permits for calls to the payment gateway are taken; retry")]
    GatewayBusy,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<GatewayError> for Error {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Unavailable { reason, source } => Self::GatewayUnavailable { reason, source },
            GatewayError::Busy => Self::GatewayBusy,
        }
    }
}

impl HasSqlxError for Error {
    fn sqlx_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

#[derive(Clone)]
pub(crate) struct Payments {
    pool: MySqlPool,
    gateway: Arc<dyn PaymentGateway>,
    lease: Duration,
}

impl Payments {
    /// `lease` is how long one call to `pay` has the row to itself.
    pub(crate) fn new(pool: MySqlPool, gateway: Arc<dyn PaymentGateway>, lease: Duration) -> Self {
        Self { pool, gateway, lease }
    }
}

/// Locks the saga's row. A row with a different fingerprint belongs to another request, so the call is refused.
async fn lock_same_request(db: &mut MySqlConnection, order: &SagaOrder) -> Result<Locked, Error> {
    let row = payments::lock(db, &order.saga_id).await?.ok_or(Error::NotFound)?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

fn reason_of(row: &Locked) -> Code {
    row.reason.clone().unwrap_or(Code::SAGA_CANCELLED)
}
