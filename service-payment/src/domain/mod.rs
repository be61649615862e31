//! Use cases: one transaction each, and no call to the gateway while one is open.

mod decide;
mod pay;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use common::contract::{Code, SagaOrder};
use common::database::AsDatabaseError;
use common::ids::SagaId;
use sqlx::{MySqlConnection, MySqlPool};

use crate::gateway::{GatewayError, PaymentGateway};
use crate::store::payments::{self, Locked};

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the saga was cancelled: {0}")]
    Cancelled(Code),
    #[error("the payment was declined")]
    Declined,
    #[error("the payment went through before the cancel")]
    AlreadyPaid,
    #[error("another call is at this payment")]
    InProgress,
    #[error("the idempotency key came before with another request")]
    KeyReused,
    #[error("no such payment")]
    NotFound,
    #[error("the payment gateway did not answer: {0}")]
    GatewayUnavailable(String),
    #[error("as many calls to the payment gateway are running as are allowed")]
    GatewayBusy,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<GatewayError> for Error {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Unavailable(why) => Self::GatewayUnavailable(why),
            GatewayError::Busy => Self::GatewayBusy,
        }
    }
}

impl AsDatabaseError for Error {
    fn as_database_error(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// The use cases.
#[derive(Clone)]
pub(crate) struct Payments {
    pool: MySqlPool,
    gateway: Arc<dyn PaymentGateway>,
    lease: Duration,
}

impl Payments {
    /// With their database and gateway; one call of `pay` has the row to itself for `lease`.
    pub(crate) fn new(pool: MySqlPool, gateway: Arc<dyn PaymentGateway>, lease: Duration) -> Self {
        Self { pool, gateway, lease }
    }
}

async fn lock_own(db: &mut MySqlConnection, order: &SagaOrder) -> Result<Locked, Error> {
    let row = lock(db, &order.saga_id).await?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

async fn lock(db: &mut MySqlConnection, saga_id: &SagaId) -> Result<Locked, Error> {
    payments::lock(db, saga_id).await?.ok_or(Error::NotFound)
}

fn reason_of(row: &Locked) -> Code {
    row.reason.clone().unwrap_or(Code::SAGA_CANCELLED)
}
