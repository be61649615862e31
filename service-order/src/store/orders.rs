//! SQL for the table `orders`.

use common::contract::order::{Order, OrderStatus};
use common::contract::payment::PaymentMethod;
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{CustomerId, OrderId, PaymentId, ProductId, Quantity, SagaId};
use common::money::Money;
use sqlx::MySqlConnection;

/// The columns that the state transitions need.
pub(crate) struct LockedRow {
    pub(crate) order_id: OrderId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) status: OrderStatus,
    pub(crate) reason: Option<Code>,
}

/// Inserts a row with this status. If the saga already has a row, that row stays as it is.
pub(crate) async fn insert(
    db: &mut MySqlConnection,
    order: &SagaOrder,
    status: OrderStatus,
    reason: Option<&Code>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO orders (saga_id, order_id, fingerprint, payment_id, customer_id, product_id, quantity, amount,
                             payment_method, status, reason, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NOW(6), NOW(6))
         ON DUPLICATE KEY UPDATE saga_id = orders.saga_id",
        order.saga_id,
        order.order_id,
        order.fingerprint,
        order.payment_id,
        order.customer_id,
        order.product_id,
        order.quantity,
        order.amount,
        order.payment_method,
        status,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Reads the saga's row and locks it until the transaction ends.
pub(crate) async fn lock(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<LockedRow>> {
    sqlx::query_as!(
        LockedRow,
        r#"SELECT order_id AS "order_id: OrderId", fingerprint AS "fingerprint: Fingerprint",
                  status AS "status: OrderStatus", reason AS "reason: Code"
           FROM orders WHERE saga_id = ? FOR UPDATE"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn set_status(
    db: &mut MySqlConnection,
    saga_id: &SagaId,
    status: OrderStatus,
    reason: Option<&Code>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE orders SET status = ?, reason = ?, updated_at = NOW(6) WHERE saga_id = ?",
        status,
        reason,
        saga_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn saga_of(db: &mut MySqlConnection, id: OrderId) -> sqlx::Result<Option<SagaId>> {
    sqlx::query_scalar!(r#"SELECT saga_id AS "saga_id: SagaId" FROM orders WHERE order_id = ?"#, id)
        .fetch_optional(db)
        .await
}

pub(crate) async fn by_saga(db: &mut MySqlConnection, saga_id: &SagaId) -> sqlx::Result<Option<Order>> {
    sqlx::query_as!(
        Order,
        r#"SELECT order_id AS "order_id: OrderId", saga_id AS "saga_id: SagaId",
                  fingerprint AS "fingerprint: Fingerprint", payment_id AS "payment_id: PaymentId",
                  customer_id AS "customer_id: CustomerId", product_id AS "product_id: ProductId",
                  quantity AS "quantity: Quantity", amount AS "amount: Money",
                  payment_method AS "payment_method: PaymentMethod", status AS "status: OrderStatus",
                  reason AS "reason: Code",
                  DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "created_at!: String",
                  DATE_FORMAT(updated_at, '%Y-%m-%dT%H:%i:%s.%fZ') AS "updated_at!: String"
           FROM orders WHERE saga_id = ?"#,
        saga_id,
    )
    .fetch_optional(db)
    .await
}

/// Lists the orders that are still PENDING, the oldest first. Ages are measured by the database's clock.
pub(crate) async fn unfinished(
    db: &mut MySqlConnection,
    older_than_seconds: u32,
    limit: u32,
) -> sqlx::Result<Vec<UnfinishedSaga>> {
    sqlx::query_as!(
        UnfinishedSaga,
        r#"SELECT saga_id AS "saga_id: SagaId", status AS "status: String",
                  TIMESTAMPDIFF(SECOND, created_at, NOW(6)) AS "age_seconds!: i64"
           FROM orders
           WHERE status = 'PENDING' AND created_at <= NOW(6) - INTERVAL ? SECOND
           ORDER BY created_at LIMIT ?"#,
        older_than_seconds,
        limit,
    )
    .fetch_all(db)
    .await
}
