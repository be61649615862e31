//! SQL for the table `stock`. Many transactions compete for one row, so each of them locks it with its last statement.

use common::ids::{ProductId, Quantity};
use sqlx::MySqlConnection;

use super::expect_one_row;

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

/// Reserves units. Returns `false` if too few units are free.
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

/// Removes reserved units from the stock.
pub(crate) async fn remove(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<()> {
    let update = sqlx::query!(
        "UPDATE stock SET quantity = quantity - ?, reserved = reserved - ? WHERE product_id = ?",
        quantity,
        quantity,
        id,
    );
    expect_one_row(&update.execute(db).await?)
}

/// Frees reserved units.
pub(crate) async fn free(db: &mut MySqlConnection, id: ProductId, quantity: Quantity) -> sqlx::Result<()> {
    let update = sqlx::query!("UPDATE stock SET reserved = reserved - ? WHERE product_id = ?", quantity, id);
    expect_one_row(&update.execute(db).await?)
}

/// Adds units. Returns `false` if the product does not exist, or if the sum does not fit into a BIGINT.
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
