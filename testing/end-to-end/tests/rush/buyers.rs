//! More buyers than pieces.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;
use serde_json::json;

use crate::rush;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_of_a_hundred_pieces_end_as_a_hundred_confirmed_orders() {
    let (world, _alone) = rush().await;
    let body = json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000});
    let replies: Vec<_> = stream::iter(0..1000)
        .map(|buyer| {
            let (world, body) = (&world, &body);
            async move { world.try_place(&format!("rush-buyer-{buyer}"), body).await.expect("an answer") }
        })
        .buffer_unordered(32)
        .collect()
        .await;

    let mut counts = BTreeMap::new();
    for reply in &replies {
        *counts.entry(reply.brief()).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([((200, "CONFIRMED"), 100), ((409, "INSUFFICIENT_STOCK"), 900)]));
    assert_eq!(world.stock(1).await, (0, 0));
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (100, 900));
}
