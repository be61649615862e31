//! A simulated payment gateway. The payment method determines the outcome, and a ledger records it.
//!
//! Each call is one transaction in the ledger, committed before the answer. So a crash of this process does not change
//! what the gateway decided.

use std::time::Duration;

use common::database::retrying;
use common::ids::SagaId;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::MySqlPool;

use super::ledger::{self, Entry, EntryStatus};
use super::scenario::Scenario;
use super::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// A lost answer is simulated by this delay. It is longer than any caller's time limit.
const LOST_ANSWER_DELAY: Duration = Duration::from_secs(3600);
const OUTAGE: &str = "the gateway is down";

pub(crate) struct Simulator {
    pool: MySqlPool,
    delay: Duration,
}

impl Simulator {
    /// `pool` is the ledger's database. Each approval takes at least `delay`.
    pub(crate) fn new(pool: MySqlPool, delay: Duration) -> Self {
        Self { pool, delay }
    }

    async fn approve_charge(&self, charge: &Charge) -> Result<Verdict, GatewayError> {
        let Some(scenario) = Scenario::of(charge.method.as_str()) else {
            return Ok(Verdict::Declined(format!("the gateway does not know the method {}", charge.method)));
        };
        tokio::time::sleep(self.delay).await;
        let mut entry = self.record_verdict(charge, scenario).await?;
        if entry.available_in > 0 {
            return Err(GatewayError::unavailable(OUTAGE));
        }
        if scenario.first_answer_lost && entry.approve_calls == 0 {
            tokio::time::sleep(LOST_ANSWER_DELAY).await;
        }
        while is_pending(&entry) {
            tokio::time::sleep(micros(entry.effective_in)).await;
            entry = self.read(&charge.key).await?.ok_or_else(|| ledger_failed(sqlx::Error::RowNotFound))?;
        }
        Ok(verdict(entry.status))
    }

    /// Records the scenario's verdict, unless the key has an entry. Returns the entry.
    async fn record_verdict(&self, charge: &Charge, scenario: Scenario) -> Result<Entry, GatewayError> {
        let entry = retrying("gateway.approve", || async {
            let mut tx = self.pool.begin().await?;
            ledger::insert_verdict(&mut tx, charge, scenario).await?;
            let entry = ledger::lock(&mut tx, &charge.key, Some(charge.amount)).await?;
            ledger::count_approve(&mut tx, &charge.key).await?;
            tx.commit().await?;
            entry.ok_or(sqlx::Error::RowNotFound)
        })
        .await
        .map_err(ledger_failed)?;
        if entry.same_amount || is_cancelled(entry.status) {
            Ok(entry)
        } else {
            Err(GatewayError::unavailable("this key was used before with another amount"))
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
        .map_err(ledger_failed)
    }

    async fn cancel_key(&self, key: &SagaId) -> Result<(), GatewayError> {
        let failure = retrying("gateway.cancel", || async {
            let mut tx = self.pool.begin().await?;
            ledger::insert_cancelled(&mut tx, key).await?;
            let entry = ledger::lock(&mut tx, key, None).await?.ok_or(sqlx::Error::RowNotFound)?;
            let failure = if entry.available_in > 0 {
                Some(OUTAGE)
            } else if entry.refund_failures > 0 {
                ledger::count_failed_refund(&mut tx, key).await?;
                Some("the refund failed")
            } else {
                ledger::set_cancelled(&mut tx, key, after_cancel(&entry)).await?;
                None
            };
            tx.commit().await?;
            Ok(failure)
        })
        .await
        .map_err(ledger_failed)?;
        failure.map_or(Ok(()), |reason| Err(GatewayError::unavailable(reason)))
    }
}

fn ledger_failed(error: sqlx::Error) -> GatewayError {
    GatewayError::with_source("the simulator cannot use its ledger", error)
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(count.unsigned_abs())
}

fn is_cancelled(status: EntryStatus) -> bool {
    matches!(status, EntryStatus::Cancelled | EntryStatus::Refunded)
}

/// Whether the verdict has not taken effect yet.
fn is_pending(entry: &Entry) -> bool {
    entry.effective_in > 0 && !is_cancelled(entry.status)
}

fn verdict(status: EntryStatus) -> Verdict {
    match status {
        EntryStatus::Approved => Verdict::Approved,
        EntryStatus::Declined => Verdict::Declined("the card was declined".to_owned()),
        EntryStatus::Cancelled | EntryStatus::Refunded => Verdict::KeyCancelled,
    }
}

/// A charge that took effect is refunded. Any other charge will never take effect.
fn after_cancel(entry: &Entry) -> EntryStatus {
    match entry.status {
        EntryStatus::Approved if entry.effective_in == 0 => EntryStatus::Refunded,
        EntryStatus::Approved => EntryStatus::Cancelled,
        unchanged => unchanged,
    }
}

impl PaymentGateway for Simulator {
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        self.approve_charge(charge).boxed()
    }

    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        async move {
            Ok(match self.read(key).await? {
                None => ChargeStatus::NotFound,
                Some(entry) if entry.available_in > 0 => return Err(GatewayError::unavailable(OUTAGE)),
                Some(entry) if is_pending(&entry) => ChargeStatus::Pending,
                Some(entry) => ChargeStatus::Final(verdict(entry.status)),
            })
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        self.cancel_key(key).boxed()
    }
}
