//! Orders that end CONFIRMED.

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::wait;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_confirmed_and_charged_once_and_its_stock_is_taken() {
    let system = TestSystem::start().await;
    let reply = system.place("first-order-1", &order()).await;

    assert_eq!(reply.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(reply.json["success"], true);
    assert_eq!(reply.text("workflowId"), system.saga("first-order-1"));
    assert_eq!(system.stock(1).await, (98, 0));
    let payments = system.process(Service::Payment).url();
    let payment = system.get(&format!("{payments}/api/payments/{}", reply.text("paymentId"))).await;
    assert_eq!((payment.text("status"), &payment.json["amount"]), ("APPROVED", &json!(20000)));
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_placed_asynchronously_can_be_followed_to_its_end() {
    let system = TestSystem::start().await;
    let accepted = system.place_async("async-order-1", &order()).await;

    assert_eq!((accepted.status, accepted.text("status")), (202, "PENDING"));
    let location = format!("/api/temporal/orders/{}", system.saga("async-order-1"));
    assert_eq!(accepted.location, Some(location));
    wait::until("the order to be confirmed", Duration::from_secs(20), async || {
        system.follow("async-order-1").await.text("status") == "CONFIRMED"
    })
    .await;
    let followed = system.follow("async-order-1").await;
    for id in ["orderId", "paymentId"] {
        assert_eq!(followed.text(id), accepted.text(id));
    }
    system.wait_until_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_order_is_answered_202_and_continues() {
    let system = TestSystem::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1500).start().await;
    let reply = system.place("slow-order-1", &order_paid_by("CARD_SLOW")).await;

    assert_eq!((reply.status, reply.text("status")), (202, "PENDING"));
    assert!(reply.location.is_some());
    wait::until("the order to show its step", Duration::from_secs(20), async || {
        let followed = system.follow("slow-order-1").await;
        followed.json["steps"] == json!(["payment.pay"]) || followed.text("status") == "CONFIRMED"
    })
    .await;
    let report = system.wait_until_finished().await;
    assert_eq!(report.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_whose_answer_was_lost_is_found_and_not_repeated() {
    let system = TestSystem::builder()
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 1000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 3000)
        .start()
        .await;
    let reply = system.place("lost-answer-1", &order_paid_by("CARD_TIMEOUT_THEN_APPROVED")).await;

    assert_eq!(reply.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_added_over_http_can_be_ordered() {
    let system = TestSystem::start().await;
    let products = format!("{}/api/inventory/products", system.process(Service::Inventory).url());
    let created = system.post(&products, &json!({"productId": 42, "name": "Tea", "price": 3.35, "quantity": 1})).await;
    assert_eq!(created.status, 201);
    let delivery = json!({"deliveryId": "delivery-1", "quantity": 2});
    assert_eq!(system.post(&format!("{products}/42/stock"), &delivery).await.status, 200);

    let tea = json!({"customerId": 7, "productId": 42, "quantity": 3, "amount": 10.05});
    assert_eq!(system.place("tea-order-1", &tea).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.place("tea-order-2", &tea).await.status_and_code(), (409, "INSUFFICIENT_STOCK"));
    system.wait_until_finished().await;
}
