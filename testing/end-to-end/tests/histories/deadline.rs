//! Orders that are not paid by their deadline.

use std::time::Duration;

use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Rule};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, LIMIT, handed_over};

async fn world(deadline_ms: u64) -> World {
    World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", deadline_ms).start().await
}

async fn is_cancelled(world: &World, key: &str) -> History {
    let history = History::of(world, key).await;
    let end = world.follow(key).await;
    assert_eq!((end.text("status"), end.code()), ("CANCELLED", "DEADLINE_EXCEEDED"));
    assert_eq!(world.stock(1).await, (100, 0));
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_the_wait_for_a_payment_that_cannot_be_reached() {
    let world = world(4000).await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    world.place_async("deadline-waiting", &order()).await;

    let history = is_cancelled(&world, "deadline-waiting").await;
    history.keep("deadline_while_the_payment_cannot_be_reached", history.count(EventType::TimerFired) == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_a_payment_that_has_begun() {
    let world = world(4000).await;
    world.place_async("deadline-paying", &body("CARD_APPROVED_AFTER_600S")).await;
    let history = is_cancelled(&world, "deadline-paying").await;
    history.keep("deadline_in_the_payment", history.hands_over(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_is_seen_between_two_quick_steps() {
    let world = world(300).await;
    let late = Action::DelayReply(Duration::from_millis(400));
    world.to_inventory.add(Rule::on("POST", "steps/reserve$").then(late));
    world.place_async("deadline-between", &order()).await;

    let history = is_cancelled(&world, "deadline-between").await;
    history.keep("deadline_between_quick_steps", history.hands_over(&[]));
    assert_eq!(world.to_payment.calls_to("steps/pay").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_after_the_money_moved_goes_forward() {
    let world = world(8000).await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::LoseReply));
    world.place_async("deadline-too-late", &order()).await;
    handed_over(&world, "deadline-too-late", &["payment.pay"]).await;

    world.to_payment.wait_for("the decision", LIMIT, |call| call.path.ends_with("steps/cancel")).await;
    world.to_payment.clear_rules();
    let history = History::of(&world, "deadline-too-late").await;
    assert_eq!(world.follow("deadline-too-late").await.text("status"), "CONFIRMED");
    history.keep("deadline_after_the_payment_goes_forward", history.count(EventType::TimerFired) == 1);
}
