//! A card network that does what the payment method says, and writes it down.
//!
//! Each call is one transaction in the ledger, committed before it is answered: what the network has decided stays
//! decided, whatever happens to this process.

use std::time::Duration;

use common::database::retrying;
use common::ids::SagaId;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::MySqlPool;

use super::ledger::{self, Entry, EntryStatus};
use super::scenario::Scenario;
use super::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// An answer that is lost: longer than anybody waits.
const LOST: Duration = Duration::from_secs(3600);
const DOWN: &str = "the card network is down";

/// The simulated network.
pub(crate) struct Simulator {
    pool: MySqlPool,
    delay: Duration,
}

impl Simulator {
    /// With its ledger behind this pool; each approval takes `delay`.
    pub(crate) fn new(pool: MySqlPool, delay: Duration) -> Self {
        Self { pool, delay }
    }

    async fn approve_once(&self, charge: &Charge) -> Result<Verdict, GatewayError> {
        let Some(scenario) = Scenario::of(charge.method.as_str()) else {
            return Ok(Verdict::Declined(format!("the card network does not know the method {}", charge.method)));
        };
        tokio::time::sleep(self.delay).await;
        let mut entry = self.enter(charge, scenario).await?;
        if entry.available_in > 0 {
            return Err(GatewayError::Unavailable(DOWN.to_owned()));
        }
        if scenario.first_answer_lost && entry.approve_calls == 0 {
            tokio::time::sleep(LOST).await;
        }
        while entry.effective_in > 0 && is_open(entry.status) {
            tokio::time::sleep(micros(entry.effective_in)).await;
            entry = self.read(&charge.key).await?.ok_or_else(|| unavailable(&sqlx::Error::RowNotFound))?;
        }
        Ok(verdict(entry.status))
    }

    /// Writes the verdict down, or finds the one that is written.
    async fn enter(&self, charge: &Charge, scenario: Scenario) -> Result<Entry, GatewayError> {
        let entry = retrying("gateway.approve", || async {
            let mut tx = self.pool.begin().await?;
            ledger::insert_verdict(&mut tx, charge, scenario).await?;
            let entry = ledger::lock(&mut tx, &charge.key, Some(charge.amount)).await?;
            ledger::count_approve(&mut tx, &charge.key).await?;
            tx.commit().await?;
            entry.ok_or(sqlx::Error::RowNotFound)
        })
        .await
        .map_err(|error: sqlx::Error| unavailable(&error))?;
        let cancelled = matches!(entry.status, EntryStatus::Cancelled | EntryStatus::Refunded);
        if entry.same_amount || cancelled {
            Ok(entry)
        } else {
            Err(GatewayError::Unavailable("this key was used with another amount".to_owned()))
        }
    }

    async fn read(&self, key: &SagaId) -> Result<Option<Entry>, GatewayError> {
        retrying("gateway.status", || async {
            let mut tx = self.pool.begin().await?;
            let entry = ledger::lock(&mut tx, key, None).await?;
            tx.commit().await?;
            Ok(entry)
        })
        .await
        .map_err(|error: sqlx::Error| unavailable(&error))
    }

    async fn cancel_once(&self, key: &SagaId) -> Result<(), GatewayError> {
        let refused = retrying("gateway.cancel", || async {
            let mut tx = self.pool.begin().await?;
            ledger::insert_cancelled(&mut tx, key).await?;
            let entry = ledger::lock(&mut tx, key, None).await?.ok_or(sqlx::Error::RowNotFound)?;
            let refused = if entry.available_in > 0 {
                Some(DOWN)
            } else if entry.refund_failures > 0 {
                ledger::fail_refund(&mut tx, key).await?;
                Some("the refund failed")
            } else {
                ledger::set_cancelled(&mut tx, key, after_cancel(&entry)).await?;
                None
            };
            tx.commit().await?;
            Ok(refused)
        })
        .await
        .map_err(|error: sqlx::Error| unavailable(&error))?;
        refused.map_or(Ok(()), |why| Err(GatewayError::Unavailable(why.to_owned())))
    }
}

fn unavailable(error: &sqlx::Error) -> GatewayError {
    GatewayError::Unavailable(format!("its ledger: {error}"))
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(count.unsigned_abs())
}

fn is_open(status: EntryStatus) -> bool {
    matches!(status, EntryStatus::Approved | EntryStatus::Declined)
}

fn verdict(status: EntryStatus) -> Verdict {
    match status {
        EntryStatus::Approved => Verdict::Approved,
        EntryStatus::Declined => Verdict::Declined("the card was declined".to_owned()),
        EntryStatus::Cancelled | EntryStatus::Refunded => Verdict::Cancelled,
    }
}

/// A charge that has taken effect is refunded; one that has not never will.
fn after_cancel(entry: &Entry) -> EntryStatus {
    match entry.status {
        EntryStatus::Approved if entry.effective_in == 0 => EntryStatus::Refunded,
        EntryStatus::Approved => EntryStatus::Cancelled,
        decided => decided,
    }
}

impl PaymentGateway for Simulator {
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        self.approve_once(charge).boxed()
    }

    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        async move {
            Ok(match self.read(key).await? {
                None => ChargeStatus::NotFound,
                Some(entry) if entry.available_in > 0 => {
                    return Err(GatewayError::Unavailable(DOWN.to_owned()));
                }
                Some(entry) if entry.effective_in > 0 && is_open(entry.status) => ChargeStatus::Pending,
                Some(entry) => ChargeStatus::Final(verdict(entry.status)),
            })
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        self.cancel_once(key).boxed()
    }
}
