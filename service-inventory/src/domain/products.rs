//! Products and deliveries. A transaction locks the row of the product or the delivery first, and the stock row last.

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

/// At most this many products are listed.
const LIST_LIMIT: u32 = 1000;

/// The demo products: id, name, price in cents, and number of units.
const DEMO_PRODUCTS: [(i64, &str, i64, u32); 3] = [
    (1, "Demo product", 1_000_000, 100),
    (2, "Large demo product", 2_500_000, 50),
    (3, "Small demo product", 99_050, 1000),
];

/// A product to create, with its initial stock.
pub(crate) struct Draft {
    pub(crate) id: ProductId,
    pub(crate) name: ProductName,
    pub(crate) price: Money,
    pub(crate) quantity: u32,
}

/// The product, and whether this call created it.
pub(crate) enum CreateOutcome {
    Created(Product),
    /// An earlier call created it with the same name and price.
    AlreadyExists(Product),
}

pub(crate) async fn create(pool: &MySqlPool, draft: &Draft) -> Result<CreateOutcome, Error> {
    retrying("product.create", || async {
        let mut tx = pool.begin().await?;
        let inserted = insert(&mut tx, draft.id, draft.name.as_str(), draft.price, draft.quantity).await?;
        let product = find(&mut tx, draft.id).await?;
        if !inserted && (product.name != draft.name.as_str() || product.price != draft.price) {
            return Err(Error::ProductExists);
        }
        tx.commit().await?;
        Ok(if inserted { CreateOutcome::Created(product) } else { CreateOutcome::AlreadyExists(product) })
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
    let inserted = products::insert(db, id, name, price).await?;
    if inserted {
        stock::insert(db, id, quantity).await?;
    }
    Ok(inserted)
}

/// Adds the units of a delivery to the stock. A repeated call adds nothing.
pub(crate) async fn add_delivery(
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
                return Err(Error::TooManyUnits);
            }
            tx.commit().await?;
            return Ok(product);
        }
        let first = deliveries::by_id(&mut tx, delivery_id).await?;
        if first.as_ref() != Some(&delivery) {
            return Err(Error::DeliveryIdReused);
        }
        find(&mut tx, product_id).await
    })
    .await
}

pub(crate) async fn by_id(pool: &MySqlPool, id: ProductId) -> Result<Product, Error> {
    retrying("product.read", || async { find(&mut *pool.acquire().await?, id).await }).await
}

async fn find(db: &mut MySqlConnection, id: ProductId) -> Result<Product, Error> {
    products::by_id(db, id).await?.ok_or(Error::NotFound("product"))
}

pub(crate) async fn list(pool: &MySqlPool) -> Result<Vec<Product>, Error> {
    let products = retrying("product.list", || async { products::list(&mut *pool.acquire().await?, LIST_LIMIT).await });
    Ok(products.await?)
}

/// Adds the demo products to an empty catalogue, each only once, even if several replicas do this at the same time.
pub(crate) async fn add_demo_products(pool: &MySqlPool) -> Result<(), Error> {
    retrying("product.demo", || async {
        let mut tx = pool.begin().await?;
        if products::any_exists(&mut tx).await? {
            return Ok(());
        }
        for (id, name, cents, quantity) in DEMO_PRODUCTS {
            let id = ProductId::try_from(id).map_err(|error| sqlx::Error::Encode(error.into()))?;
            let price = Money::try_from(Decimal::new(cents, 2)).map_err(|error| sqlx::Error::Encode(error.into()))?;
            insert(&mut tx, id, name, price, quantity).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}
