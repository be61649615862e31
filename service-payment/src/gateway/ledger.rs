//! SQL for `charges`, the simulator's ledger. It is committed separately, so the checker can compare it to payments.

use common::ids::SagaId;
use common::money::Money;
use sqlx::MySqlConnection;

use super::Charge;
use super::scenario::Scenario;

/// The status of a charge in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum EntryStatus {
    /// The money is taken at `effective_at`.
    Approved,
    Declined,
    /// The charge was cancelled before any money was taken.
    Cancelled,
    Refunded,
}

pub(super) struct Entry {
    pub(super) status: EntryStatus,
    /// Whether the stored amount equals the amount of the query.
    pub(super) same_amount: bool,
    pub(super) approve_calls: i32,
    pub(super) refund_failures: i32,
    /// The time in microseconds until the verdict takes effect. It is 0 after that.
    pub(super) effective_in: i64,
    /// The time in microseconds until the gateway answers calls about this charge.
    pub(super) available_in: i64,
}

/// Inserts the scenario's verdict on this charge, unless the key already exists.
pub(super) async fn insert_verdict(db: &mut MySqlConnection, charge: &Charge, scenario: Scenario) -> sqlx::Result<()> {
    let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let status = if scenario.approves { EntryStatus::Approved } else { EntryStatus::Declined };
    sqlx::query!(
        "INSERT INTO charges (charge_key, amount, payment_method, status, effective_at, available_at, refund_failures,
                              approve_calls, cancel_calls, created_at, updated_at)
         VALUES (?, ?, ?, ?, NOW(6) + INTERVAL ? MICROSECOND, NOW(6) + INTERVAL ? MICROSECOND, ?, 0, 0, NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE charge_key = charges.charge_key",
        charge.key,
        charge.amount,
        charge.method,
        status,
        micros(scenario.effective_after + scenario.unavailable_for),
        micros(scenario.unavailable_for),
        scenario.refund_failures,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts a cancelled key, unless the key already exists.
pub(super) async fn insert_cancelled(db: &mut MySqlConnection, key: &SagaId) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO charges (charge_key, amount, payment_method, status, effective_at, available_at, refund_failures,
                              approve_calls, cancel_calls, created_at, updated_at)
         VALUES (?, 0, '', 'CANCELLED', NOW(6), NOW(6), 0, 0, 0, NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE charge_key = charges.charge_key",
        key,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The entry of the key, locked until the transaction ends.
pub(super) async fn lock(db: &mut MySqlConnection, key: &SagaId, amount: Option<Money>) -> sqlx::Result<Option<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"SELECT status AS "status: EntryStatus", (amount <=> ?) AS "same_amount!: bool", approve_calls,
                  refund_failures,
                  GREATEST(TIMESTAMPDIFF(MICROSECOND, NOW(6), effective_at), 0) AS "effective_in!: i64",
                  GREATEST(TIMESTAMPDIFF(MICROSECOND, NOW(6), available_at), 0) AS "available_in!: i64"
           FROM charges WHERE charge_key = ? FOR UPDATE"#,
        amount,
        key,
    )
    .fetch_optional(db)
    .await
}

pub(super) async fn count_approve(db: &mut MySqlConnection, key: &SagaId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE charges SET approve_calls = approve_calls + 1 WHERE charge_key = ?", key).execute(db).await?;
    Ok(())
}

pub(super) async fn count_failed_refund(db: &mut MySqlConnection, key: &SagaId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE charges SET refund_failures = refund_failures - 1, cancel_calls = cancel_calls + 1
         WHERE charge_key = ?",
        key,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the status of the locked entry after a call to `cancel`.
pub(super) async fn set_cancelled(db: &mut MySqlConnection, key: &SagaId, status: EntryStatus) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE charges SET status = ?, cancel_calls = cancel_calls + 1, updated_at = NOW(6) WHERE charge_key = ?",
        status,
        key,
    )
    .execute(db)
    .await?;
    Ok(())
}
