//! An order goes through.

use end_to_end::{Service, World, body, order};
use harness::wait;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_order_is_confirmed_paid_once_and_its_stock_gone() {
    let world = World::start().await;
    let reply = world.place("first-order-1", &order()).await;

    assert_eq!(reply.brief(), (200, "CONFIRMED"));
    assert_eq!(reply.json["success"], true);
    assert_eq!(reply.text("workflowId"), world.saga("first-order-1"));
    assert_eq!(world.stock(1).await, (98, 0));
    let payments = world.process(Service::Payment).url();
    let payment = world.get(&format!("{payments}/api/payments/{}", reply.text("paymentId"))).await;
    assert_eq!((payment.text("status"), &payment.json["amount"]), ("APPROVED", &json!(20000)));
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_placed_async_is_followed_to_its_end() {
    let world = World::start().await;
    let accepted = world.place_async("async-order-1", &order()).await;

    assert_eq!((accepted.status, accepted.text("status")), (202, "PENDING"));
    let location = format!("/api/temporal/orders/{}", world.saga("async-order-1"));
    assert_eq!(accepted.location, Some(location));
    wait::until("the order to be confirmed", Duration::from_secs(20), async || {
        world.follow("async-order-1").await.text("status") == "CONFIRMED"
    })
    .await;
    let followed = world.follow("async-order-1").await;
    for id in ["orderId", "paymentId"] {
        assert_eq!(followed.text(id), accepted.text(id));
    }
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_takes_long_is_answered_202_and_goes_on() {
    let world = World::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1500).start().await;
    let reply = world.place("slow-order-1", &body("CARD_SLOW")).await;

    assert_eq!((reply.status, reply.text("status")), (202, "PENDING"));
    assert!(reply.location.is_some());
    wait::until("the step to show", Duration::from_secs(20), async || {
        let followed = world.follow("slow-order-1").await;
        followed.json["steps"] == json!(["payment.pay"]) || followed.text("status") == "CONFIRMED"
    })
    .await;
    let report = world.settled().await;
    assert_eq!(report.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_whose_answer_was_lost_is_found_and_not_repeated() {
    let world = World::builder()
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 1000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 3000)
        .start()
        .await;
    let reply = world.place("lost-answer-1", &body("CARD_TIMEOUT_THEN_APPROVED")).await;

    assert_eq!(reply.brief(), (200, "CONFIRMED"));
    assert_eq!(world.settled().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_added_over_http_can_be_ordered() {
    let world = World::start().await;
    let products = format!("{}/api/inventory/products", world.process(Service::Inventory).url());
    let made = world.post(&products, &json!({"productId": 42, "name": "Tea", "price": 3.35, "quantity": 1})).await;
    assert_eq!(made.status, 201);
    let delivery = json!({"deliveryId": "delivery-1", "quantity": 2});
    assert_eq!(world.post(&format!("{products}/42/stock"), &delivery).await.status, 200);

    let tea = json!({"customerId": 7, "productId": 42, "quantity": 3, "amount": 10.05});
    assert_eq!(world.place("tea-order-1", &tea).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.place("tea-order-2", &tea).await.brief(), (409, "INSUFFICIENT_STOCK"));
    world.settled().await;
}
