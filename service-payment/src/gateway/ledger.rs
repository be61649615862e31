//! SQL on `charges`, the simulator's ledger. It has commits of its own, so that it can be compared with ours.

use common::ids::SagaId;
use common::money::Money;
use sqlx::MySqlConnection;

use super::Charge;
use super::scenario::Scenario;

/// Where a charge stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum EntryStatus {
    /// The money is taken from `effective_at` on.
    Approved,
    /// The money is not taken.
    Declined,
    /// Cancelled before any money was taken.
    Cancelled,
    /// Taken, and given back.
    Refunded,
}

/// A charge in the ledger.
pub(super) struct Entry {
    pub(super) status: EntryStatus,
    pub(super) same_amount: bool,
    pub(super) approve_calls: i32,
    pub(super) refund_failures: i32,
    /// Microseconds until the verdict takes effect; 0 once it has.
    pub(super) effective_in: i64,
    /// Microseconds until the network answers calls about it.
    pub(super) available_in: i64,
}

/// Inserts the verdict that the scenario has for this charge, unless the key is known.
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

/// Inserts a cancelled key, unless the key is known.
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

/// The key's entry, locked until the transaction ends; `amount` is compared with the entry's.
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

/// Counts a call of approve.
pub(super) async fn count_approve(db: &mut MySqlConnection, key: &SagaId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE charges SET approve_calls = approve_calls + 1 WHERE charge_key = ?", key).execute(db).await?;
    Ok(())
}

/// Counts a refund that fails.
pub(super) async fn fail_refund(db: &mut MySqlConnection, key: &SagaId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE charges SET refund_failures = refund_failures - 1, cancel_calls = cancel_calls + 1
         WHERE charge_key = ?",
        key,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what a cancel made of the locked entry.
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
