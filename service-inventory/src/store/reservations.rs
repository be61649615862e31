//! SQL for the table `reservations`.

use common::contract::inventory::{Reservation, ReservationStatus};
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{ProductId, Quantity, SagaId};
use common::money::Money;
use sqlx::MySqlConnection;

use super::expect_one_row;
use crate::model::Status;

/// The columns that the state transitions need.
pub(crate) struct LockedRow {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) product_id: ProductId,
    pub(crate) quantity: Quantity,
    pub(crate) unit_price: Option<Money>,
    pub(crate) status: Status,
    pub(crate) reason: Option<Code>,
}

/// Inserts a row with the status NEW. If the saga already has a row, that row stays as it is. The caller changes the
/// status NEW before it commits.
pub(crate) async fn insert(db: &mut MySqlConnection, order: &SagaOrder) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO reservations (saga_id, fingerprint, order_id, product_id, quantity, status, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, 'NEW', NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE saga_id = reservations.saga_id",
        order.saga_id,
        order.fingerprint,
        order.order_id,
        order.product_id,
        order.quantity,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Reads the saga's row and locks it until the transaction ends.
pub(crate) async fn lock(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<LockedRow>> {
    sqlx::query_as!(
        LockedRow,
        r#"SELECT fingerprint AS "fingerprint: Fingerprint", product_id AS "product_id: ProductId",
                  quantity AS "quantity: Quantity", unit_price AS "unit_price: Money", status AS "status: Status",
                  reason AS "reason: Code"
           FROM reservations WHERE saga_id = ? FOR UPDATE"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

/// Stores in the NEW row whether its units were reserved or refused.
pub(crate) async fn record_outcome(
    db: &mut MySqlConnection,
    saga_id: &SagaId,
    status: Status,
    unit_price: Option<Money>,
    reason: Option<&Code>,
) -> sqlx::Result<()> {
    let update = sqlx::query!(
        "UPDATE reservations SET status = ?, unit_price = ?, reason = ?, updated_at = NOW(6) WHERE saga_id = ?",
        status,
        unit_price,
        reason,
        saga_id,
    );
    expect_one_row(&update.execute(db).await?)
}

/// Sets the row to its last status, CONFIRMED or RELEASED.
pub(crate) async fn finish(
    db: &mut MySqlConnection,
    saga_id: &SagaId,
    status: Status,
    reason: Option<&Code>,
) -> sqlx::Result<()> {
    let update = sqlx::query!(
        "UPDATE reservations SET status = ?, reason = ?, updated_at = NOW(6) WHERE saga_id = ?",
        status,
        reason,
        saga_id,
    );
    expect_one_row(&update.execute(db).await?)
}

pub(crate) async fn by_saga(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<Reservation>> {
    sqlx::query_as!(
        Reservation,
        r#"SELECT saga_id AS "saga_id: SagaId", product_id AS "product_id: ProductId",
                  quantity AS "quantity: Quantity", unit_price AS "unit_price: Money",
                  status AS "status: ReservationStatus", reason AS "reason: Code",
                  DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "created_at!: String",
                  DATE_FORMAT(updated_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "updated_at!: String"
           FROM reservations WHERE saga_id = ?"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

/// Lists the reservations that are still RESERVED, the oldest first. Ages are measured by the database's clock.
pub(crate) async fn unfinished(
    db: &mut MySqlConnection,
    older_than_seconds: u32,
    limit: u32,
) -> sqlx::Result<Vec<UnfinishedSaga>> {
    sqlx::query_as!(
        UnfinishedSaga,
        r#"SELECT saga_id AS "saga_id: SagaId", status AS "status: String",
                  TIMESTAMPDIFF(SECOND, created_at, NOW(6)) AS "age_seconds!: i64"
           FROM reservations
           WHERE status = 'RESERVED' AND created_at <= NOW(6) - INTERVAL ? SECOND
           ORDER BY created_at LIMIT ?"#,
        older_than_seconds,
        limit,
    )
    .fetch_all(db)
    .await
}
