//! Orders that are cancelled by the customer or by a command of Temporal, before and after the payment.

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};
use harness::wait;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{CANCEL_IS_DONE, History, LIMIT, temporal_until_done, wait_for_durable_attempts};

async fn assert_cancelled(system: &TestSystem, key: &str) -> History {
    let history = History::of(system, key).await;
    let end = system.follow(key).await;
    assert_eq!((end.text("status"), end.code()), ("CANCELLED", "CANCELLED_BY_CUSTOMER"));
    assert_eq!(system.stock(1).await, (100, 0));
    history
}

/// Waits until the payment is APPROVING.
pub(crate) async fn wait_until_approving(system: &TestSystem, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", system.process(Service::Payment).url(), system.saga(key));
    wait::until("the payment to be APPROVING", LIMIT, async || system.get(&url).await.text("status") == "APPROVING")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_as_soon_as_the_payment_begins() {
    let system = TestSystem::start().await;
    system.place_async("cancel-early", &order_paid_by("CARD_APPROVED_AFTER_600S")).await;
    wait_until_approving(&system, "cancel-early").await;
    assert_eq!(system.cancel("cancel-early").await.status, 202);
    assert_cancelled(&system, "cancel-early").await.keep("cancelled_as_the_payment_begins", true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_during_a_durable_attempt_of_the_payment() {
    let system = TestSystem::start().await;
    system.place_async("cancel-waiting", &order_paid_by("CARD_APPROVED_AFTER_600S")).await;
    wait_for_durable_attempts(&system, "cancel-waiting", &["payment.pay"]).await;
    assert_eq!(system.cancel("cancel-waiting").await.status, 202);

    let history = assert_cancelled(&system, "cancel-waiting").await;
    assert!(history.durable_steps().contains("payment.pay"));
    history.keep("cancelled_while_the_payment_waits", history.has_durable_attempts_of(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_cancel_before_the_payment_cancels_the_order() {
    let system = TestSystem::start().await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    system.place_async("temporal-cancel", &order()).await;
    wait_for_durable_attempts(&system, "temporal-cancel", &["payment.pay"]).await;
    temporal_until_done(&system, &["cancel"], "temporal-cancel", CANCEL_IS_DONE).await;

    let history = assert_cancelled(&system, "temporal-cancel").await;
    assert_eq!(history.count(EventType::WorkflowExecutionCancelRequested), 1);
    history.keep("cancelled_by_temporal_before_the_payment", history.has_durable_attempts_of(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_cancel_in_the_first_stage_cancels_the_order() {
    let system = TestSystem::start().await;
    system.to_order.add(Rule::on("POST", "steps/create$").then(Action::Refuse));
    system.place_async("temporal-cancel-1", &order()).await;
    wait_for_durable_attempts(&system, "temporal-cancel-1", &["order.create"]).await;
    temporal_until_done(&system, &["cancel"], "temporal-cancel-1", CANCEL_IS_DONE).await;
    let history = assert_cancelled(&system, "temporal-cancel-1").await;
    history.keep("cancelled_by_temporal_in_the_first_stage", history.has_durable_attempts_of(&["order.create"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_after_its_payment_goes_forward() {
    let system = TestSystem::start().await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::LoseReply));
    system.place_async("cancel-too-late", &order()).await;
    wait_for_durable_attempts(&system, "cancel-too-late", &["payment.pay"]).await;
    temporal_until_done(&system, &["cancel"], "cancel-too-late", CANCEL_IS_DONE).await;
    system.to_payment.wait_for("the decision", LIMIT, |call| call.path.ends_with("steps/cancel") && call.ended).await;
    system.to_payment.clear_rules();

    let history = History::of(&system, "cancel-too-late").await;
    assert_eq!(system.follow("cancel-too-late").await.text("status"), "CONFIRMED");
    history.keep("cancelled_after_the_payment_goes_forward", history.has_durable_attempts_of(&["payment.pay"]));
}
