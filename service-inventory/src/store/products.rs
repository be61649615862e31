//! SQL for the table `products`. Queries that read products also join the table `stock`.

use common::contract::inventory::Product;
use common::ids::ProductId;
use common::money::Money;
use sqlx::MySqlConnection;

use super::was_inserted;

/// Inserts the product. Returns `false` if a product with this id already exists.
pub(crate) async fn insert(db: &mut MySqlConnection, id: ProductId, name: &str, price: Money) -> sqlx::Result<bool> {
    let insert = sqlx::query!(
        "INSERT INTO products (product_id, name, price, created_at) VALUES (?, ?, ?, NOW(6))",
        id,
        name,
        price,
    );
    was_inserted(insert.execute(db).await)
}

/// Whether the catalogue contains any product.
pub(crate) async fn any_exists(db: &mut MySqlConnection) -> sqlx::Result<bool> {
    let first = sqlx::query_scalar!("SELECT product_id FROM products LIMIT 1").fetch_optional(db).await?;
    Ok(first.is_some())
}

/// The price per unit.
pub(crate) async fn price(db: &mut MySqlConnection, id: ProductId) -> sqlx::Result<Option<Money>> {
    sqlx::query_scalar!(r#"SELECT price AS "price: Money" FROM products WHERE product_id = ?"#, id)
        .fetch_optional(db)
        .await
}

pub(crate) async fn by_id(db: &mut MySqlConnection, id: ProductId) -> sqlx::Result<Option<Product>> {
    sqlx::query_as!(
        Product,
        r#"SELECT p.product_id AS "product_id: ProductId", p.name, p.price AS "price: Money", s.quantity, s.reserved,
                  s.quantity - s.reserved AS "available!: i64"
           FROM products p JOIN stock s ON s.product_id = p.product_id
           WHERE p.product_id = ?"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Lists the products with the lowest ids.
pub(crate) async fn list(db: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<Product>> {
    sqlx::query_as!(
        Product,
        r#"SELECT p.product_id AS "product_id: ProductId", p.name, p.price AS "price: Money", s.quantity, s.reserved,
                  s.quantity - s.reserved AS "available!: i64"
           FROM products p JOIN stock s ON s.product_id = p.product_id
           ORDER BY p.product_id LIMIT ?"#,
        limit,
    )
    .fetch_all(db)
    .await
}
