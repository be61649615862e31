//! Refused orders are answered with their code and keep no money and no stock.

use std::time::{Duration, Instant};

use end_to_end::{Service, TestSystem, order_paid_by};
use serde_json::{Value, json};

/// A refusal arrives within this time, even on a slow machine, because it needs no retry, time-out or deadline.
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);

fn refusals() -> [(&'static str, Value, u16, &'static str); 5] {
    let order = |product: i64, quantity: i64, amount: f64| json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount});
    [
        ("refused-stock", order(1, 101, 1_010_000.0), 409, "INSUFFICIENT_STOCK"),
        ("refused-product", order(999, 1, 10_000.0), 422, "UNKNOWN_PRODUCT"),
        ("refused-amount", order(1, 2, 20_000.01), 422, "AMOUNT_MISMATCH"),
        ("refused-card", order_paid_by("CARD_DECLINED"), 402, "PAYMENT_DECLINED"),
        ("refused-method", order_paid_by("CASH"), 402, "PAYMENT_DECLINED"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_is_answered_with_its_code_and_leaves_nothing_behind() {
    let system = TestSystem::start().await;
    for (key, body, status, code) in refusals() {
        let started = Instant::now();
        let reply = system.place(key, &body).await;
        assert!(started.elapsed() < REFUSAL_LIMIT, "{key}: answered after {:?}", started.elapsed());
        assert_eq!(reply.status_and_code(), (status, code), "{key}");
        assert_eq!(reply.content_type, "application/problem+json");
        assert_eq!((&reply.json["success"], reply.text("workflowId")), (&json!(false), system.saga(key).as_str()));

        let orders = system.process(Service::Order).url();
        let order = system.get(&format!("{orders}/api/orders/by-saga/{}", system.saga(key))).await;
        assert_eq!((order.text("status"), order.text("reason")), ("CANCELLED", code), "{key}");
        assert_eq!(system.follow(key).await.text("status"), "CANCELLED");
    }
    assert_eq!(system.stock(1).await, (100, 0));
    assert_eq!(system.wait_until_finished().await.cancelled, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_for_a_refused_order_gets_the_same_answer() {
    let system = TestSystem::start().await;
    for (key, body, status, code) in refusals() {
        let (first, second) = (system.place(key, &body).await, system.place(key, &body).await);
        assert_eq!(first.status_and_code(), (status, code));
        assert_eq!(first.json, second.json);
        let mut other = body.clone();
        other["customerId"] = json!(2);
        assert_eq!(system.place(key, &other).await.status_and_code(), (422, "IDEMPOTENCY_KEY_REUSED"), "{key}");
    }
    system.wait_until_finished().await;
}
