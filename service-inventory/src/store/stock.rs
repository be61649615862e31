//! SQL on `stock`. Its rows are hot: each is locked by the last statement of its transaction.

use common::ids::{ProductId, Quantity};
use sqlx::MySqlConnection;

use super::hit;

/// Inserts a new product's row.
pub(crate) async fn insert(db: &mut MySqlConnection, id: ProductId, quantity: u32) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO stock (product_id, quantity, reserved, received) VALUES (?, ?, 0, ?)",
        id,
        quantity,
        quantity,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Promises pieces; `false` where fewer are free.
pub(crate) async fn reserve(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE stock SET reserved = reserved + ? WHERE product_id = ? AND quantity - reserved >= ?",
        quantity,
        id,
        quantity,
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Promised pieces leave.
pub(crate) async fn take(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<()> {
    let update = sqlx::query!(
        "UPDATE stock SET quantity = quantity - ?, reserved = reserved - ? WHERE product_id = ?",
        quantity,
        quantity,
        id,
    );
    hit(&update.execute(db).await?)
}

/// Promised pieces are free again.
pub(crate) async fn give_back(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<()> {
    let update = sqlx::query!("UPDATE stock SET reserved = reserved - ? WHERE product_id = ?", quantity, id);
    hit(&update.execute(db).await?)
}

/// Pieces come in; `false` where there is no such product, or the sum would be more than a BIGINT holds.
pub(crate) async fn add(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE stock SET quantity = quantity + ?, received = received + ? WHERE product_id = ? AND received <= ?",
        quantity,
        quantity,
        id,
        i64::MAX - quantity.get(),
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}
