//! The worker is killed during a saga and restarted.

use end_to_end::steps::step_named;
use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Gate, Rule};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, LIMIT, wait_for_durable_attempts};

async fn kill_and_restart(system: &TestSystem) {
    system.process(Service::Orchestrator).kill().await;
    system.process(Service::Orchestrator).restart().await;
    system.process(Service::Orchestrator).wait_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_quick_attempts_repeats_them_all() {
    let system = TestSystem::start().await;
    let gate = Gate::new();
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::HoldRequest(gate.clone())));
    system.place_async("killed-quick", &order()).await;
    gate.wait_arrived(1).await;
    kill_and_restart(&system).await;
    gate.release();

    let history = History::of(&system, "killed-quick").await;
    assert_eq!(system.follow("killed-quick").await.text("status"), "CONFIRMED");
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_during_quick_attempts", history.has_durable_attempts_of(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_a_durable_attempt_continues_with_that_step() {
    let system = TestSystem::start().await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    system.place_async("killed-waiting", &order()).await;
    wait_for_durable_attempts(&system, "killed-waiting", &["payment.pay"]).await;
    kill_and_restart(&system).await;
    system.to_payment.clear_rules();

    let history = History::of(&system, "killed-waiting").await;
    assert_eq!(system.follow("killed-waiting").await.text("status"), "CONFIRMED");
    assert!(history.durable_steps().contains("payment.pay"));
    history.keep("worker_killed_during_durable_attempts", history.has_durable_attempts_of(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_undos_undoes_everything() {
    let system = TestSystem::start().await;
    let gate = Gate::new();
    system.to_inventory.add(Rule::on("POST", "steps/release$").then(Action::HoldRequest(gate.clone())));
    system.place_async("killed-undoing", &order_paid_by("CARD_DECLINED")).await;
    gate.wait_arrived(1).await;
    kill_and_restart(&system).await;
    gate.release();

    let history = History::of(&system, "killed-undoing").await;
    assert_eq!(system.follow("killed-undoing").await.code(), "PAYMENT_DECLINED");
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_during_undos", history.has_durable_attempts_of(&[]));
}

/// Temporal repeats the workflow task after 10 s. By then the deadline has passed, because a crash does not restart it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_while_no_worker_runs_cancels_the_order() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 8000).start().await;
    let gate = Gate::new();
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::HoldRequest(gate.clone())));
    system.place_async("killed-late", &order()).await;
    gate.wait_arrived(1).await;
    let created = step_named("order.create").calls(&system, "killed-late").len();
    kill_and_restart(&system).await;

    let history = History::of(&system, "killed-late").await;
    assert_eq!(system.follow("killed-late").await.code(), "DEADLINE_EXCEEDED");
    assert_eq!(
        step_named("order.create").calls(&system, "killed-late").len(),
        created,
        "a step was started after the deadline"
    );
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_until_after_the_deadline", history.has_durable_attempts_of(&[]));
    // The held payment call arrives after its undo.
    gate.release();
    let late = |call: &harness::faults::Call| call.path.ends_with("steps/pay") && call.ended;
    system.to_payment.wait_for("the late payment to be answered", LIMIT, late).await;
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
}
