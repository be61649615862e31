//! A client that knocks fifty times at once.

use std::collections::BTreeSet;

use end_to_end::order;
use futures::future::join_all;
use serde_json::json;

use crate::rush;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_are_one_order_with_one_charge_and_equal_answers() {
    let (world, _alone) = rush().await;
    let body = order();
    let replies: Vec<_> =
        join_all((0..50).map(|_| world.try_place("fifty-at-once", &body))).await.into_iter().flatten().collect();

    assert_eq!(replies.len(), 50);
    for reply in &replies {
        assert_eq!((reply.brief(), &reply.json), ((200, "CONFIRMED"), &replies[0].json));
    }
    assert_eq!(world.stock(1).await, (98, 0));
    assert_eq!(world.settled().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_orders_with_one_key_at_two_orchestrators_at_once_one_is_placed_and_the_other_refused() {
    let (world, _alone) = rush().await;
    let second = world.another_orchestrator();
    second.start();
    second.wait_up().await;
    let apis = [world.api(), second.url()];
    let bodies = [1, 2].map(|customer| json!({"customerId": customer, "productId": 1, "quantity": 2, "amount": 20000}));
    for round in 0..10 {
        let key = format!("two-orders-{round}");
        let requests = (0..8).map(|number| {
            let (api, body) = (&apis[number / 2 % 2], &bodies[number % 2]);
            let (world, key) = (&world, &key);
            async move { (number % 2, world.try_place_at(api, key, body).await.expect("an answer")) }
        });
        let replies = join_all(requests).await;
        let placed: BTreeSet<_> =
            replies.iter().filter(|(_, reply)| reply.status == 200).map(|(body, _)| body).collect();
        assert_eq!(placed.len(), 1, "{replies:?}");
        for (body, reply) in &replies {
            let expected = if placed.contains(body) { (200, "CONFIRMED") } else { (422, "IDEMPOTENCY_KEY_REUSED") };
            assert_eq!(reply.brief(), expected, "round {round}");
        }
    }
    assert_eq!(world.stock(1).await, (80, 0));
    assert_eq!(world.settled().await.confirmed, 10);
    second.terminate().await;
}
