//! The worker dies in the middle of a saga and is started again.

use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Gate, Rule};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, handed_over};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_among_quick_steps_runs_them_all_again() {
    let world = World::start().await;
    let gate = Gate::new();
    world.to_payment.add(Rule::on("POST", "steps/pay$").first(1).then(Action::HoldRequest(gate.clone())));
    world.place_async("killed-quick", &order()).await;
    gate.wait_arrived(1).await;
    world.process(Service::Orchestrator).kill().await;
    gate.release();
    world.process(Service::Orchestrator).restart().await;
    world.process(Service::Orchestrator).wait_up().await;

    let history = History::of(&world, "killed-quick").await;
    assert_eq!(world.follow("killed-quick").await.text("status"), "CONFIRMED");
    assert_eq!(history.count(EventType::WorkflowTaskTimedOut), 1);
    history.keep("worker_killed_among_quick_steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_a_step_is_handed_over_goes_on_with_it() {
    let world = World::start().await;
    world.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    world.place_async("killed-waiting", &order()).await;
    handed_over(&world, "killed-waiting", &["payment.pay"]).await;
    world.process(Service::Orchestrator).kill().await;
    world.to_payment.clear_rules();
    world.process(Service::Orchestrator).restart().await;
    world.process(Service::Orchestrator).wait_up().await;

    let history = History::of(&world, "killed-waiting").await;
    assert_eq!(world.follow("killed-waiting").await.text("status"), "CONFIRMED");
    assert!(history.handed_over().contains("payment.pay"));
    history.keep("worker_killed_while_handed_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_among_undos_undoes_everything() {
    let world = World::start().await;
    let gate = Gate::new();
    world.to_inventory.add(Rule::on("POST", "steps/release$").first(1).then(Action::HoldRequest(gate.clone())));
    world.place_async("killed-undoing", &body("CARD_DECLINED")).await;
    gate.wait_arrived(1).await;
    world.process(Service::Orchestrator).kill().await;
    gate.release();
    world.process(Service::Orchestrator).restart().await;
    world.process(Service::Orchestrator).wait_up().await;

    let history = History::of(&world, "killed-undoing").await;
    assert_eq!(world.follow("killed-undoing").await.code(), "PAYMENT_DECLINED");
    assert_eq!(history.count(EventType::WorkflowTaskTimedOut), 1);
    history.keep("worker_killed_among_undos");
}
