//! A stuck order is visible to operators, and it continues automatically.

use std::time::Duration;

use end_to_end::steps::wait_until_stuck_within;
use end_to_end::{Service, TestSystem, order};
use harness::faults::{Action, Rule};
use harness::wait;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_confirm_is_listed_and_counted_and_succeeds_later() {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 2000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    system.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    assert_eq!(system.place("stuck-order", &order()).await.status, 202);

    wait::until("the order to be stuck", LIMIT, async || system.follow("stuck-order").await.json["stuck"] == true)
        .await;
    // Temporal's list of running workflows is updated with a delay.
    let list = wait::until_some("the order to be listed", LIMIT, async || {
        let list = system.get(&format!("{}/api/temporal/orders/stuck", system.api())).await.json;
        (list.as_array().map(Vec::len) == Some(1)).then_some(list)
    })
    .await;
    let stuck = &list[0];
    assert_eq!(
        (stuck["workflowId"].as_str(), stuck["step"].as_str()),
        (Some(&*system.saga("stuck-order")), Some("stock.confirm"))
    );
    assert!(stuck["ageSeconds"].as_u64() >= Some(2) && stuck["lastFailure"].is_string(), "{stuck}");
    wait::until("the metric to count one stuck order", LIMIT, async || system.stuck_metric().await == "1").await;

    system.to_inventory.clear_rules();
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
    wait::until("the metric to count no stuck order", LIMIT, async || system.stuck_metric().await == "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_whose_payment_cannot_be_read_is_listed_as_stuck_and_ends_confirmed() {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 5000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 2000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    system.to_payment.add(Rule::on("POST", "steps/pay").then(Action::LoseReply));
    assert_eq!(system.place("paid-answer-lost", &order()).await.status, 202);

    wait_until_stuck_within(LIMIT, &system, "paid-answer-lost", "payment.pay").await;

    system.to_payment.clear_rules();
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}
