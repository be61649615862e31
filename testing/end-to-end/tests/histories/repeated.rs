//! A key that comes back once Temporal has forgotten its first order: the rows answer.

use std::time::Duration;

use end_to_end::{Service, World, body, order};
use harness::wait;
use serde_json::json;

use crate::recorder::{History, temporal};

/// Temporal deletes once its queues have noted how far they are, which they do every 30 s.
const DELETE_LIMIT: Duration = Duration::from_secs(120);

/// What Temporal does by itself once its retention is over.
async fn forget(world: &World, key: &str) {
    temporal(world, &["delete", "--yes"], key).await.expect("the command works");
    wait::until("Temporal to forget it", DELETE_LIMIT, async || {
        temporal(world, &["describe"], key).await.is_err_and(|error| error.contains("not found"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_confirmed_order_is_answered_as_before_and_its_key_is_not_taken_again() {
    let world = World::start().await;
    let first = world.place("forgotten", &order()).await;
    assert_eq!(first.brief(), (200, "CONFIRMED"));
    History::of(&world, "forgotten").await;
    forget(&world, "forgotten").await;

    let mut other = order();
    other["customerId"] = json!(2);
    assert_eq!(world.place("forgotten", &other).await.brief(), (422, "IDEMPOTENCY_KEY_REUSED"));
    let history = History::of(&world, "forgotten").await;
    history.keep("key_reused_after_the_retention", history.hands_over(&[]));

    // The other request's saga has the key in Temporal now, and says nothing about this order.
    let followed = world.follow("forgotten").await;
    assert_eq!((followed.status, &followed.json), (200, &first.json));
    assert_eq!(world.cancel("forgotten").await.brief(), (409, "ORDER_ALREADY_PAID"));
    let again = world.place("forgotten", &order()).await;
    assert_eq!((again.brief(), &again.json), ((200, "CONFIRMED"), &first.json));
    let history = History::of(&world, "forgotten").await;
    history.keep("repeated_after_the_retention", history.hands_over(&[]));
    assert_eq!(world.stock(1).await, (98, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_refused_order_is_refused_as_before() {
    let world = World::start().await;
    let first = world.place("forgotten-no", &body("CARD_DECLINED")).await;
    History::of(&world, "forgotten-no").await;
    forget(&world, "forgotten-no").await;

    let again = world.place("forgotten-no", &body("CARD_DECLINED")).await;
    assert_eq!((again.brief(), &again.json), ((402, "PAYMENT_DECLINED"), &first.json));
    let taken = world.place_async("forgotten-no", &body("CARD_DECLINED")).await;
    let row = format!("{}/api/orders/by-saga/{}", world.process(Service::Order).url(), world.saga("forgotten-no"));
    assert_eq!(taken.text("orderId"), world.get(&row).await.text("orderId"), "the order's id stays what it was");
    let history = History::of(&world, "forgotten-no").await;
    history.keep("refused_again_after_the_retention", history.hands_over(&[]));
}
