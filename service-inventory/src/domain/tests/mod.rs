//! Random sequences of calls for reservation and stock rows, on a real database. A call may crash whenever it waits for
//! the database.

mod concurrent;
mod model;
mod sequence;

use std::sync::atomic::{AtomicI64, Ordering};

use common::contract::SagaOrder;
use sqlx::MySqlPool;

use super::products::{self, Draft};
use crate::MIGRATOR;
use crate::model::ProductName;

/// The units of a new product. They are enough for one saga, but not for two.
const UNITS: u32 = 3;

#[test]
fn every_sequence_of_calls_changes_reservations_and_stock_as_the_model_expects() {
    property::check(1000, sequence::sequences, property::database("inventory", &MIGRATOR), async |pool, steps| {
        sequence::Run::new(pool.clone()).await.verify(steps).await
    });
}

#[test]
fn concurrent_calls_neither_lose_nor_duplicate_a_unit() {
    property::check(400, concurrent::batches, property::database("inventory", &MIGRATOR), concurrent::verify);
}

/// An order for two units of a new product, which has [`UNITS`] in stock.
async fn order_of_a_new_product(pool: &MySqlPool) -> SagaOrder {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let order = property::order(LAST.fetch_add(1, Ordering::SeqCst) + 1, 2);
    let name = ProductName::try_from("Cup".to_owned()).expect("a name");
    let price = "10".parse().expect("an amount");
    let draft = Draft { id: order.product_id, name, price, quantity: UNITS };
    assert!(products::create(pool, &draft).await.is_ok());
    order
}
