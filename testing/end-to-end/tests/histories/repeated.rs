//! A key that comes back once Temporal has forgotten its first order: the rows answer.

use std::time::Duration;

use end_to_end::steps::{last_answer, payment_is};
use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Rule};
use harness::wait;
use serde_json::json;

use crate::recorder::{History, LIMIT, handed_over, temporal, temporal_at_last};

/// Temporal deletes once its queues have noted how far they are, which they do every 30 s.
const DELETE_LIMIT: Duration = Duration::from_secs(120);

/// What Temporal does by itself once its retention is over.
async fn forget(world: &World, key: &str) {
    temporal_at_last(world, &["delete", "--yes"], key, &["not found"]).await;
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

/// The other request's tombstone ends the order as refused; what must not be is that it never ends, with its stock gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_order_is_not_taken_for_ended_because_another_request_with_its_key_has_ended() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 15_000).start().await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    world.place_async("lost-1", &order()).await;
    handed_over(&world, "lost-1", &["payment.pay"]).await;
    forget(&world, "lost-1").await;

    for proxy in [&world.to_order, &world.to_inventory] {
        proxy.add(Rule::on("POST", "steps/").then(Action::Refuse));
    }
    let mut other = order();
    other["customerId"] = json!(2);
    assert_eq!(world.place_async("lost-1", &other).await.status, 202);
    payment_is(&world, "lost-1", "CANCELLED").await;
    for proxy in [&world.to_order, &world.to_inventory, &world.to_payment] {
        proxy.clear_rules();
    }
    wait::until("the other request's saga to end", LIMIT, async || {
        temporal(&world, &["describe"], "lost-1").await.is_ok_and(|text| text.contains("COMPLETED"))
    })
    .await;

    let followed = async || world.follow("lost-1").await;
    let answer =
        wait::until_some("an answer", LIMIT, async || Some(followed().await).filter(|a| a.status != 503)).await;
    assert_eq!(answer.text("status"), "PENDING");
    assert_eq!(last_answer(&world, "lost-1", &order()).await.brief(), (422, "IDEMPOTENCY_KEY_REUSED"));
    let row = format!("{}/api/orders/by-saga/{}", world.process(Service::Order).url(), world.saga("lost-1"));
    wait::until("the order to end", LIMIT, async || world.get(&row).await.text("status") == "CANCELLED").await;
    wait::until("its stock to come back", LIMIT, async || world.stock(1).await == (100, 0)).await;
}
