//! Refusals: answered with their code, and nothing is left behind.

use std::time::{Duration, Instant};

use end_to_end::{Service, World, body};
use serde_json::{Value, json};

/// No pause between tries, no time-out and no deadline of ours is in it, however slow the machine.
const AT_ONCE: Duration = Duration::from_secs(10);

fn refusals() -> [(&'static str, Value, u16, &'static str); 5] {
    let order = |product: i64, quantity: i64, amount: f64| json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount});
    [
        ("refused-stock", order(1, 101, 1_010_000.0), 409, "INSUFFICIENT_STOCK"),
        ("refused-product", order(999, 1, 10_000.0), 422, "UNKNOWN_PRODUCT"),
        ("refused-amount", order(1, 2, 20_000.01), 422, "AMOUNT_MISMATCH"),
        ("refused-card", body("CARD_DECLINED"), 402, "PAYMENT_DECLINED"),
        ("refused-method", body("CASH"), 402, "PAYMENT_DECLINED"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_is_answered_with_its_code_and_leaves_nothing_behind() {
    let world = World::start().await;
    for (key, body, status, code) in refusals() {
        let begun = Instant::now();
        let reply = world.place(key, &body).await;
        assert!(begun.elapsed() < AT_ONCE, "{key}: answered after {:?}", begun.elapsed());
        assert_eq!(reply.brief(), (status, code), "{key}");
        assert_eq!(reply.content_type, "application/problem+json");
        assert_eq!((&reply.json["success"], reply.text("workflowId")), (&json!(false), world.saga(key).as_str()));

        let orders = world.process(Service::Order).url();
        let order = world.get(&format!("{orders}/api/orders/by-saga/{}", world.saga(key))).await;
        assert_eq!((order.text("status"), order.text("reason")), ("CANCELLED", code), "{key}");
        assert_eq!(world.follow(key).await.text("status"), "CANCELLED");
    }
    assert_eq!(world.stock(1).await, (100, 0));
    assert_eq!(world.settled().await.cancelled, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_is_refused_the_same_way_when_it_is_repeated() {
    let world = World::start().await;
    for (key, body, status, code) in refusals() {
        let (first, second) = (world.place(key, &body).await, world.place(key, &body).await);
        assert_eq!(first.brief(), (status, code));
        assert_eq!(first.json, second.json);
        let mut other = body.clone();
        other["customerId"] = json!(2);
        assert_eq!(world.place(key, &other).await.brief(), (422, "IDEMPOTENCY_KEY_REUSED"), "{key}");
    }
    world.settled().await;
}
