//! SQL for the table `deliveries`.

use common::ids::{ProductId, Quantity};
use sqlx::MySqlConnection;

use super::was_inserted;
use crate::model::DeliveryId;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) product_id: ProductId,
    pub(crate) quantity: Quantity,
}

/// Inserts the delivery. Returns `false` if a delivery with this id already exists.
pub(crate) async fn insert(db: &mut MySqlConnection, id: &DeliveryId, delivery: &Delivery) -> sqlx::Result<bool> {
    let insert = sqlx::query!(
        "INSERT INTO deliveries (delivery_id, product_id, quantity, created_at) VALUES (?, ?, ?, NOW(6))",
        id.as_str(),
        delivery.product_id,
        delivery.quantity,
    );
    was_inserted(insert.execute(db).await)
}

pub(crate) async fn by_id(db: &mut MySqlConnection, id: &DeliveryId) -> sqlx::Result<Option<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT product_id AS "product_id: ProductId", quantity AS "quantity: Quantity"
           FROM deliveries WHERE delivery_id = ?"#,
        id.as_str(),
    )
    .fetch_optional(db)
    .await
}
