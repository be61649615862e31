//! Orders whose deadline passes.

use std::time::Duration;

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, LIMIT, wait_for_durable_attempts};

async fn system_with_deadline(deadline_ms: u64) -> TestSystem {
    TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", deadline_ms).start().await
}

async fn assert_cancelled(system: &TestSystem, key: &str) -> History {
    let history = History::of(system, key).await;
    let end = system.follow(key).await;
    assert_eq!((end.text("status"), end.code()), ("CANCELLED", "DEADLINE_EXCEEDED"));
    assert_eq!(system.stock(1).await, (100, 0));
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_the_retries_of_a_payment_that_cannot_be_reached() {
    let system = system_with_deadline(4000).await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    system.place_async("deadline-waiting", &order()).await;

    let history = assert_cancelled(&system, "deadline-waiting").await;
    history.keep("deadline_while_the_payment_cannot_be_reached", history.count(EventType::TimerFired) == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_cancels_a_payment_in_progress() {
    let system = system_with_deadline(4000).await;
    system.place_async("deadline-paying", &order_paid_by("CARD_APPROVED_AFTER_600S")).await;
    let history = assert_cancelled(&system, "deadline-paying").await;
    history.keep("deadline_in_the_payment", history.has_durable_attempts_of(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_is_checked_between_quick_attempts() {
    let system = system_with_deadline(300).await;
    let late = Action::DelayReply(Duration::from_millis(400));
    system.to_inventory.add(Rule::on("POST", "steps/reserve$").then(late));
    system.place_async("deadline-between", &order()).await;

    let history = assert_cancelled(&system, "deadline-between").await;
    history.keep("deadline_between_quick_attempts", history.has_durable_attempts_of(&[]));
    assert_eq!(system.to_payment.calls_to("steps/pay").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_deadline_passes_after_its_payment_goes_forward() {
    let system = system_with_deadline(8000).await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::LoseReply));
    system.place_async("deadline-too-late", &order()).await;
    wait_for_durable_attempts(&system, "deadline-too-late", &["payment.pay"]).await;

    system.to_payment.wait_for("the decision", LIMIT, |call| call.path.ends_with("steps/cancel")).await;
    system.to_payment.clear_rules();
    let history = History::of(&system, "deadline-too-late").await;
    assert_eq!(system.follow("deadline-too-late").await.text("status"), "CONFIRMED");
    history.keep("deadline_after_the_payment_goes_forward", history.count(EventType::TimerFired) == 1);
}
