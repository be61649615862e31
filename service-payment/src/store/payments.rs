//! SQL for the table `payments`.

use std::time::Duration;

use common::contract::payment::{Payment, PaymentMethod, PaymentStatus};
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{OrderId, PaymentId, SagaId};
use common::money::Money;
use sqlx::MySqlConnection;
use uuid::fmt::Hyphenated;

/// The columns of a locked row that decide its next state.
pub(crate) struct Locked {
    pub(crate) payment_id: PaymentId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) status: PaymentStatus,
    pub(crate) reason: Option<Code>,
    pub(crate) lease: Option<Hyphenated>,
    /// Whether the lease is still running, by the database's clock.
    pub(crate) lease_live: bool,
}

/// A lease on an APPROVING row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeaseTerms {
    /// Identifies the call that has the lease.
    pub(crate) token: Hyphenated,
    /// The duration of the lease. It starts now, by the database's clock.
    pub(crate) term: Duration,
}

impl LeaseTerms {
    fn microseconds(self) -> i64 {
        i64::try_from(self.term.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Inserts an APPROVING row with this lease, unless the saga already has a row.
pub(crate) async fn insert_approving(
    db: &mut MySqlConnection,
    order: &SagaOrder,
    lease: LeaseTerms,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO payments (saga_id, payment_id, fingerprint, order_id, customer_id, amount, payment_method, status,
                               lease, lease_until, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'APPROVING', ?, NOW(6) + INTERVAL ? MICROSECOND, NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE saga_id = payments.saga_id",
        order.saga_id,
        order.payment_id,
        order.fingerprint,
        order.order_id,
        order.customer_id,
        order.amount,
        order.payment_method,
        lease.token,
        lease.microseconds(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts a CANCELLED row as a tombstone, unless the saga already has a row.
pub(crate) async fn insert_tombstone(db: &mut MySqlConnection, order: &SagaOrder, reason: &Code) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO payments (saga_id, payment_id, fingerprint, order_id, customer_id, amount, payment_method, status,
                               reason, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'CANCELLED', ?, NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE saga_id = payments.saga_id",
        order.saga_id,
        order.payment_id,
        order.fingerprint,
        order.order_id,
        order.customer_id,
        order.amount,
        order.payment_method,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The saga's row, locked until the transaction ends.
pub(crate) async fn lock(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<Locked>> {
    sqlx::query_as!(
        Locked,
        r#"SELECT payment_id AS "payment_id: PaymentId", fingerprint AS "fingerprint: Fingerprint",
                  status AS "status: PaymentStatus", reason AS "reason: Code", lease AS "lease: Hyphenated",
                  (lease_until IS NOT NULL AND lease_until > NOW(6)) AS "lease_live!: bool"
           FROM payments WHERE saga_id = ? FOR UPDATE"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

/// Gives the locked row a new lease.
pub(crate) async fn set_lease(db: &mut MySqlConnection, saga_id: &SagaId, lease: LeaseTerms) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET lease = ?, lease_until = NOW(6) + INTERVAL ? MICROSECOND, updated_at = NOW(6)
         WHERE saga_id = ?",
        lease.token,
        lease.microseconds(),
        saga_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a lease early, so the next call does not have to wait until it expires.
pub(crate) async fn end_lease(db: &mut MySqlConnection, saga_id: &SagaId, token: Hyphenated) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET lease_until = NOW(6) WHERE saga_id = ? AND lease = ? AND status = 'APPROVING'",
        saga_id,
        token,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_status(
    db: &mut MySqlConnection,
    saga_id: &SagaId,
    status: PaymentStatus,
    reason: Option<&Code>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payments SET status = ?, reason = ?, updated_at = NOW(6) WHERE saga_id = ?",
        status,
        reason,
        saga_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn saga_of(db: &mut MySqlConnection, id: PaymentId) -> sqlx::Result<Option<SagaId>> {
    sqlx::query_scalar!(r#"SELECT saga_id AS "saga_id: SagaId" FROM payments WHERE payment_id = ?"#, id)
        .fetch_optional(db)
        .await
}

pub(crate) async fn by_saga(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as!(
        Payment,
        r#"SELECT payment_id AS "payment_id: PaymentId", saga_id AS "saga_id: SagaId", order_id AS "order_id: OrderId",
                  amount AS "amount: Money", payment_method AS "payment_method: PaymentMethod",
                  status AS "status: PaymentStatus", reason AS "reason: Code",
                  DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "created_at!: String",
                  DATE_FORMAT(updated_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "updated_at!: String"
           FROM payments WHERE saga_id = ?"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

/// The oldest unfinished payments that, by the database's clock, are older than `older_than_seconds`.
pub(crate) async fn unfinished(
    db: &mut MySqlConnection,
    older_than_seconds: u32,
    limit: u32,
) -> sqlx::Result<Vec<UnfinishedSaga>> {
    sqlx::query_as!(
        UnfinishedSaga,
        r#"SELECT saga_id AS "saga_id: SagaId", status AS "status: String",
                  TIMESTAMPDIFF(SECOND, created_at, NOW(6)) AS "age_seconds!: i64"
           FROM payments
           WHERE status IN ('APPROVING', 'CANCELLING') AND created_at <= NOW(6) - INTERVAL ? SECOND
           ORDER BY created_at LIMIT ?"#,
        older_than_seconds,
        limit,
    )
    .fetch_all(db)
    .await
}
