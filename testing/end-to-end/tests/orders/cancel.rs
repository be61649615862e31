//! DELETE: the answer always agrees with the end.

use end_to_end::{Service, World, body, order};
use harness::wait;
use std::time::Duration;

/// Waits until the gateway has been asked.
async fn asked_to_pay(world: &World, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    wait::until("the payment to begin", Duration::from_secs(20), async || {
        world.get(&url).await.text("status") == "APPROVING"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_before_the_money_moved_ends_cancelled_with_everything_back() {
    let world = World::start().await;
    world.place_async("cancelled-1", &body("CARD_APPROVED_AFTER_3600S")).await;
    asked_to_pay(&world, "cancelled-1").await;

    let reply = world.cancel("cancelled-1").await;
    assert_eq!((reply.status, reply.code()), (202, "CANCELLED_BY_CUSTOMER"));
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (0, 1));
    assert_eq!(world.stock(1).await, (100, 0));

    // The rows are settled a moment before the workflow has said so to Temporal.
    wait::until("the workflow to complete", Duration::from_secs(20), async || {
        world.follow("cancelled-1").await.text("status") == "CANCELLED"
    })
    .await;
    let again = world.cancel("cancelled-1").await;
    assert_eq!((again.status, again.text("status")), (200, "CANCELLED"));
    let repeated = world.place("cancelled-1", &body("CARD_APPROVED_AFTER_3600S")).await;
    assert_eq!(repeated.brief(), (409, "CANCELLED_BY_CUSTOMER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_twice_at_once_is_cancelled_once() {
    let world = World::start().await;
    world.place_async("cancelled-2", &body("CARD_APPROVED_AFTER_3600S")).await;
    asked_to_pay(&world, "cancelled-2").await;

    let (one, other) = futures::join!(world.cancel("cancelled-2"), world.cancel("cancelled-2"));
    assert!(one.status == 202 || one.status == 200, "{one:?}");
    assert!(other.status == 202 || other.status == 200, "{other:?}");
    assert_eq!(world.settled().await.cancelled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_cannot_be_cancelled() {
    let world = World::start().await;
    world.place("paid-order-1", &order()).await;

    assert_eq!(world.cancel("paid-order-1").await.brief(), (409, "ORDER_ALREADY_PAID"));
    assert_eq!(world.settled().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_order_is_not_found() {
    let world = World::start().await;
    assert_eq!(world.cancel("never-heard-of").await.brief(), (404, "NOT_FOUND"));
    assert_eq!(world.follow("never-heard-of").await.brief(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_not_paid_by_its_deadline_ends_cancelled() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 4000).start().await;
    let reply = world.place("late-order-1", &body("CARD_APPROVED_AFTER_15S")).await;

    assert_eq!(reply.brief(), (409, "DEADLINE_EXCEEDED"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert_eq!(world.stock(1).await, (100, 0));
}
