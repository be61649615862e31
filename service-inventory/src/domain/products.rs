//! Products, and pieces that come in. Lock order: the product's or the delivery's row first, the stock row last.

use common::contract::inventory::Product;
use common::database::retrying;
use common::ids::{ProductId, Quantity};
use common::money::Money;
use rust_decimal::Decimal;
use sqlx::{MySqlConnection, MySqlPool};

use super::Error;
use crate::model::{DeliveryId, ProductName};
use crate::store::deliveries::{self, Delivery};
use crate::store::{products, stock};

/// As many products are listed at once.
const LIST_LIMIT: u32 = 1000;

/// Id, name, price in cents, and pieces of the products that an empty catalogue gets.
const DEMO: [(i64, &str, i64, u32); 3] = [
    (1, "Demo product", 1_000_000, 100),
    (2, "Large demo product", 2_500_000, 50),
    (3, "Small demo product", 99_050, 1000),
];

/// A new product.
pub(crate) struct Draft {
    /// Its id, chosen by the caller.
    pub(crate) id: ProductId,
    /// Its name.
    pub(crate) name: ProductName,
    /// The price of one piece.
    pub(crate) price: Money,
    /// How many pieces there are at first.
    pub(crate) quantity: u32,
}

/// The product, and whether this call made it.
pub(crate) enum Created {
    /// It did.
    Now(Product),
    /// An earlier call did, with the same name and price.
    Before(Product),
}

/// Makes a product with its stock; repeated, it makes no second one.
pub(crate) async fn create(pool: &MySqlPool, draft: &Draft) -> Result<Created, Error> {
    retrying("product.create", || async {
        let mut tx = pool.begin().await?;
        let made = insert(&mut tx, draft.id, draft.name.as_str(), draft.price, draft.quantity).await?;
        let product = find(&mut tx, draft.id).await?;
        if !made && (product.name != draft.name.as_str() || product.price != draft.price) {
            return Err(Error::ProductExists);
        }
        tx.commit().await?;
        Ok(if made { Created::Now(product) } else { Created::Before(product) })
    })
    .await
}

async fn insert(
    db: &mut MySqlConnection,
    id: ProductId,
    name: &str,
    price: Money,
    quantity: u32,
) -> sqlx::Result<bool> {
    let made = products::insert(db, id, name, price).await?;
    if made {
        stock::insert(db, id, quantity).await?;
    }
    Ok(made)
}

/// Adds the pieces of a delivery, once.
pub(crate) async fn receive(
    pool: &MySqlPool,
    product_id: ProductId,
    delivery_id: &DeliveryId,
    quantity: Quantity,
) -> Result<Product, Error> {
    let delivery = Delivery { product_id, quantity };
    retrying("product.receive", || async {
        let mut tx = pool.begin().await?;
        if deliveries::insert(&mut tx, delivery_id, &delivery).await? {
            let added = stock::add(&mut tx, product_id, quantity).await?;
            let product = find(&mut tx, product_id).await?;
            if !added {
                return Err(Error::TooMany);
            }
            tx.commit().await?;
            return Ok(product);
        }
        let first = deliveries::by_id(&mut tx, delivery_id).await?;
        if first.as_ref() != Some(&delivery) {
            return Err(Error::DeliveryReused);
        }
        find(&mut tx, product_id).await
    })
    .await
}

/// One product.
pub(crate) async fn by_id(pool: &MySqlPool, id: ProductId) -> Result<Product, Error> {
    retrying("product.read", || async { find(&mut *pool.acquire().await?, id).await }).await
}

async fn find(db: &mut MySqlConnection, id: ProductId) -> Result<Product, Error> {
    products::by_id(db, id).await?.ok_or(Error::NotFound("product"))
}

/// The first products by their ids.
pub(crate) async fn list(pool: &MySqlPool) -> Result<Vec<Product>, Error> {
    let listed = retrying("product.list", || async { products::list(&mut *pool.acquire().await?, LIST_LIMIT).await });
    Ok(listed.await?)
}

/// Gives an empty catalogue the demo products. Ids that another replica takes at the same time are left to it.
pub(crate) async fn fill_empty_catalogue(pool: &MySqlPool) -> Result<(), Error> {
    retrying("product.demo", || async {
        let mut tx = pool.begin().await?;
        if products::any(&mut tx).await? {
            return Ok(());
        }
        for (id, name, cents, quantity) in DEMO {
            let id = ProductId::try_from(id).map_err(|error| sqlx::Error::Encode(error.into()))?;
            let price = Money::try_from(Decimal::new(cents, 2)).map_err(|error| sqlx::Error::Encode(error.into()))?;
            insert(&mut tx, id, name, price, quantity).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}
