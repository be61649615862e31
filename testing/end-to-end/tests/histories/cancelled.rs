//! Orders that are cancelled, by the customer or by Temporal's own command, before and after the money moved.

use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Rule};
use harness::wait;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{CANCELLED_BEFORE, History, LIMIT, handed_over, temporal_at_last};

async fn is_cancelled(world: &World, key: &str) -> History {
    let history = History::of(world, key).await;
    let end = world.follow(key).await;
    assert_eq!((end.text("status"), end.code()), ("CANCELLED", "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.stock(1).await, (100, 0));
    history
}

/// Waits until the gateway has been asked.
pub(crate) async fn asked_to_pay(world: &World, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    wait::until("the payment to begin", LIMIT, async || world.get(&url).await.text("status") == "APPROVING").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_as_soon_as_the_payment_has_begun() {
    let world = World::start().await;
    world.place_async("cancel-at-once", &body("CARD_APPROVED_AFTER_600S")).await;
    asked_to_pay(&world, "cancel-at-once").await;
    assert_eq!(world.cancel("cancel-at-once").await.status, 202);
    is_cancelled(&world, "cancel-at-once").await.keep("cancelled_as_the_payment_begins", true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_while_the_payment_waits_as_a_regular_activity() {
    let world = World::start().await;
    world.place_async("cancel-waiting", &body("CARD_APPROVED_AFTER_600S")).await;
    handed_over(&world, "cancel-waiting", &["payment.pay"]).await;
    assert_eq!(world.cancel("cancel-waiting").await.status, 202);

    let history = is_cancelled(&world, "cancel-waiting").await;
    assert!(history.handed_over().contains("payment.pay"));
    history.keep("cancelled_while_the_payment_waits", history.hands_over(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_own_cancel_before_the_payment_cancels_the_order() {
    let world = World::start().await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    world.place_async("engine-cancel", &order()).await;
    handed_over(&world, "engine-cancel", &["payment.pay"]).await;
    temporal_at_last(&world, &["cancel"], "engine-cancel", CANCELLED_BEFORE).await;

    let history = is_cancelled(&world, "engine-cancel").await;
    assert_eq!(history.count(EventType::WorkflowExecutionCancelRequested), 1);
    history.keep("cancelled_by_temporal_before_the_payment", history.hands_over(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_own_cancel_in_the_first_stage_cancels_the_order() {
    let world = World::start().await;
    world.to_order.add(Rule::on("POST", "steps/create$").then(Action::Refuse));
    world.place_async("engine-cancel-1", &order()).await;
    handed_over(&world, "engine-cancel-1", &["order.create"]).await;
    temporal_at_last(&world, &["cancel"], "engine-cancel-1", CANCELLED_BEFORE).await;
    let history = is_cancelled(&world, "engine-cancel-1").await;
    history.keep("cancelled_by_temporal_in_the_first_stage", history.hands_over(&["order.create"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_after_the_money_moved_goes_forward() {
    let world = World::start().await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::LoseReply));
    world.place_async("cancel-too-late", &order()).await;
    handed_over(&world, "cancel-too-late", &["payment.pay"]).await;
    temporal_at_last(&world, &["cancel"], "cancel-too-late", CANCELLED_BEFORE).await;
    world.to_payment.wait_for("the decision", LIMIT, |call| call.path.ends_with("steps/cancel") && call.ended).await;
    world.to_payment.clear_rules();

    let history = History::of(&world, "cancel-too-late").await;
    assert_eq!(world.follow("cancel-too-late").await.text("status"), "CONFIRMED");
    history.keep("cancelled_after_the_payment_goes_forward", history.hands_over(&["payment.pay"]));
}
