//! The reservation and stock rows under random sequences of calls, on a real database, with crashes wherever a call
//! waits for it.

mod concurrent;
mod model;
mod sequence;

use std::sync::atomic::{AtomicI64, Ordering};

use common::contract::SagaOrder;
use sqlx::MySqlPool;

use super::products::{self, Draft};
use crate::MIGRATOR;
use crate::model::ProductName;

/// Pieces that there are at first: enough for one saga, too few for two.
const PIECES: u32 = 3;

#[test]
fn every_sequence_of_calls_does_to_reservations_and_stock_what_the_table_says() {
    property::check(1000, sequence::sequences, property::database("inventory", &MIGRATOR), async |pool, steps| {
        sequence::Run::new(pool.clone()).await.judge(steps).await
    });
}

#[test]
fn calls_at_the_same_time_neither_lose_nor_double_a_piece() {
    property::check(400, concurrent::batches, property::database("inventory", &MIGRATOR), concurrent::judge);
}

/// A new product with [`PIECES`], and an order of two of them.
async fn order_of_a_new_product(pool: &MySqlPool) -> SagaOrder {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let order = property::order(LAST.fetch_add(1, Ordering::SeqCst) + 1, 2);
    let name = ProductName::try_from("Cup".to_owned()).expect("a name");
    let price = "10".parse().expect("an amount");
    let draft = Draft { id: order.product_id, name, price, quantity: PIECES };
    assert!(products::create(pool, &draft).await.is_ok());
    order
}
