//! More buyers than units.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;
use serde_json::json;

use crate::system_for_one_test;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_of_a_hundred_units_get_a_hundred_confirmed_orders() {
    let (system, _guard) = system_for_one_test().await;
    let body = json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000});
    let replies: Vec<_> = stream::iter(0..1000)
        .map(|buyer| {
            let (system, body) = (&system, &body);
            async move { system.try_place(&format!("rush-buyer-{buyer}"), body).await.expect("the orders API answers") }
        })
        .buffer_unordered(32)
        .collect()
        .await;

    let mut counts = BTreeMap::new();
    for reply in &replies {
        *counts.entry(reply.status_and_code()).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([((200, "CONFIRMED"), 100), ((409, "INSUFFICIENT_STOCK"), 900)]));
    assert_eq!(system.stock(1).await, (0, 0));
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (100, 900));
}
