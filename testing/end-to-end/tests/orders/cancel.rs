//! DELETE: its answer always agrees with how the order ends.

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::wait;
use std::time::Duration;

/// Waits until the payment is APPROVING.
async fn wait_until_approving(system: &TestSystem, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", system.process(Service::Payment).url(), system.saga(key));
    wait::until("the payment to be APPROVING", Duration::from_secs(20), async || {
        system.get(&url).await.text("status") == "APPROVING"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_before_it_is_paid_ends_cancelled_and_its_stock_is_released() {
    let system = TestSystem::start().await;
    system.place_async("cancelled-1", &order_paid_by("CARD_APPROVED_AFTER_3600S")).await;
    wait_until_approving(&system, "cancelled-1").await;

    let reply = system.cancel("cancelled-1").await;
    assert_eq!((reply.status, reply.code()), (202, "CANCELLED_BY_CUSTOMER"));
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (0, 1));
    assert_eq!(system.stock(1).await, (100, 0));

    // The rows are final a moment before Temporal knows that the workflow has completed.
    wait::until("the workflow to complete", Duration::from_secs(20), async || {
        system.follow("cancelled-1").await.text("status") == "CANCELLED"
    })
    .await;
    let second = system.cancel("cancelled-1").await;
    assert_eq!((second.status, second.text("status")), (200, "CANCELLED"));
    let repeated = system.place("cancelled-1", &order_paid_by("CARD_APPROVED_AFTER_3600S")).await;
    assert_eq!(repeated.status_and_code(), (409, "CANCELLED_BY_CUSTOMER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_twice_at_the_same_time_is_cancelled_once() {
    let system = TestSystem::start().await;
    system.place_async("cancelled-2", &order_paid_by("CARD_APPROVED_AFTER_3600S")).await;
    wait_until_approving(&system, "cancelled-2").await;

    let (one, other) = futures::join!(system.cancel("cancelled-2"), system.cancel("cancelled-2"));
    assert!(one.status == 202 || one.status == 200, "{one:?}");
    assert!(other.status == 202 || other.status == 200, "{other:?}");
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_cannot_be_cancelled() {
    let system = TestSystem::start().await;
    system.place("paid-order-1", &order()).await;

    assert_eq!(system.cancel("paid-order-1").await.status_and_code(), (409, "ORDER_ALREADY_PAID"));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_order_is_not_found() {
    let system = TestSystem::start().await;
    assert_eq!(system.cancel("unknown-order").await.status_and_code(), (404, "NOT_FOUND"));
    assert_eq!(system.follow("unknown-order").await.status_and_code(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_not_paid_by_its_deadline_ends_cancelled() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 4000).start().await;
    let reply = system.place("late-order-1", &order_paid_by("CARD_APPROVED_AFTER_15S")).await;

    assert_eq!(reply.status_and_code(), (409, "DEADLINE_EXCEEDED"));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert_eq!(system.stock(1).await, (100, 0));
}
