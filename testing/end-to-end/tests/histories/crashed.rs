//! The worker dies in the middle of a saga and is started again.

use end_to_end::steps::named;
use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Gate, Rule};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, LIMIT, handed_over};

async fn kill_and_start_again(world: &World) {
    world.process(Service::Orchestrator).kill().await;
    world.process(Service::Orchestrator).restart().await;
    world.process(Service::Orchestrator).wait_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_among_quick_steps_runs_them_all_again() {
    let world = World::start().await;
    let gate = Gate::new();
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::HoldRequest(gate.clone())));
    world.place_async("killed-quick", &order()).await;
    gate.wait_arrived(1).await;
    kill_and_start_again(&world).await;
    gate.release();

    let history = History::of(&world, "killed-quick").await;
    assert_eq!(world.follow("killed-quick").await.text("status"), "CONFIRMED");
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_among_quick_steps", history.hands_over(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_a_step_is_handed_over_goes_on_with_it() {
    let world = World::start().await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    world.place_async("killed-waiting", &order()).await;
    handed_over(&world, "killed-waiting", &["payment.pay"]).await;
    kill_and_start_again(&world).await;
    world.to_payment.clear_rules();

    let history = History::of(&world, "killed-waiting").await;
    assert_eq!(world.follow("killed-waiting").await.text("status"), "CONFIRMED");
    assert!(history.handed_over().contains("payment.pay"));
    history.keep("worker_killed_while_handed_over", history.hands_over(&["payment.pay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_among_undos_undoes_everything() {
    let world = World::start().await;
    let gate = Gate::new();
    world.to_inventory.add(Rule::on("POST", "steps/release$").then(Action::HoldRequest(gate.clone())));
    world.place_async("killed-undoing", &body("CARD_DECLINED")).await;
    gate.wait_arrived(1).await;
    kill_and_start_again(&world).await;
    gate.release();

    let history = History::of(&world, "killed-undoing").await;
    assert_eq!(world.follow("killed-undoing").await.code(), "PAYMENT_DECLINED");
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_among_undos", history.hands_over(&[]));
}

/// Temporal gives the task to another worker after 10 s; the deadline, which a crash does not begin anew, is over then.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_while_the_worker_is_dead_cancels_the_order() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 8000).start().await;
    let gate = Gate::new();
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::HoldRequest(gate.clone())));
    world.place_async("killed-late", &order()).await;
    gate.wait_arrived(1).await;
    let created = named("order.create").calls(&world, "killed-late").len();
    kill_and_start_again(&world).await;

    let history = History::of(&world, "killed-late").await;
    assert_eq!(world.follow("killed-late").await.code(), "DEADLINE_EXCEEDED");
    assert_eq!(
        named("order.create").calls(&world, "killed-late").len(),
        created,
        "no step is begun after the deadline"
    );
    assert!(history.count(EventType::WorkflowTaskTimedOut) >= 1);
    history.keep("worker_killed_until_after_the_deadline", history.hands_over(&[]));
    // The payment that was under way comes after its undo.
    gate.release();
    let late = |call: &harness::faults::Call| call.path.ends_with("steps/pay") && call.ended;
    world.to_payment.wait_for("the late payment to be answered", LIMIT, late).await;
    assert_eq!(world.settled().await.cancelled, 1);
}
