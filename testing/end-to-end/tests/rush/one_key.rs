//! Many requests with one key at the same time.

use std::collections::BTreeSet;

use end_to_end::order;
use futures::future::join_all;
use serde_json::json;

use crate::system_for_one_test;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_are_one_order_with_one_charge_and_equal_answers() {
    let (system, _guard) = system_for_one_test().await;
    let body = order();
    let replies: Vec<_> =
        join_all((0..50).map(|_| system.try_place("fifty-requests", &body))).await.into_iter().flatten().collect();

    assert_eq!(replies.len(), 50);
    for reply in &replies {
        assert_eq!((reply.status_and_code(), &reply.json), ((200, "CONFIRMED"), &replies[0].json));
    }
    assert_eq!(system.stock(1).await, (98, 0));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_orchestrators_place_only_one_of_two_orders_with_the_same_key() {
    let (system, _guard) = system_for_one_test().await;
    let second = system.another_orchestrator();
    second.start();
    second.wait_up().await;
    let apis = [system.api(), second.url()];
    let bodies = [1, 2].map(|customer| json!({"customerId": customer, "productId": 1, "quantity": 2, "amount": 20000}));
    for round in 0..10 {
        let key = format!("two-orders-{round}");
        let requests = (0..8).map(|number| {
            let (api, body) = (&apis[number / 2 % 2], &bodies[number % 2]);
            let (system, key) = (&system, &key);
            async move { (number % 2, system.try_place_at(api, key, body).await.expect("the orders API answers")) }
        });
        let replies = join_all(requests).await;
        let placed: BTreeSet<_> =
            replies.iter().filter(|(_, reply)| reply.status == 200).map(|(body, _)| body).collect();
        assert_eq!(placed.len(), 1, "{replies:?}");
        for (body, reply) in &replies {
            let expected = if placed.contains(body) { (200, "CONFIRMED") } else { (422, "IDEMPOTENCY_KEY_REUSED") };
            assert_eq!(reply.status_and_code(), expected, "round {round}");
        }
    }
    assert_eq!(system.stock(1).await, (80, 0));
    assert_eq!(system.wait_until_finished().await.confirmed, 10);
    second.terminate().await;
}
