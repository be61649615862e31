//! An order that needs a person is seen, and goes on by itself.

use std::time::Duration;

use end_to_end::steps::shows_as_stuck_within;
use end_to_end::{Service, World, order};
use harness::faults::{Action, Rule};
use harness::wait;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_confirm_that_is_not_done_for_long_is_listed_counted_and_done_at_last() {
    let world = World::builder()
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 2000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    world.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    assert_eq!(world.place("stuck-order", &order()).await.status, 202);

    wait::until("the order to be stuck", LIMIT, async || world.follow("stuck-order").await.json["stuck"] == true).await;
    // Temporal's own list of what runs lags behind.
    let list = wait::until_some("it to be listed", LIMIT, async || {
        let list = world.get(&format!("{}/api/temporal/orders/stuck", world.api())).await.json;
        (list.as_array().map(Vec::len) == Some(1)).then_some(list)
    })
    .await;
    let stuck = &list[0];
    assert_eq!(
        (stuck["workflowId"].as_str(), stuck["step"].as_str()),
        (Some(&*world.saga("stuck-order")), Some("stock.confirm"))
    );
    assert!(stuck["ageSeconds"].as_u64() >= Some(2) && stuck["lastFailure"].is_string(), "{stuck}");
    wait::until("the metric to count it", LIMIT, async || world.counted_as_stuck().await == "1").await;

    world.to_inventory.clear_rules();
    assert_eq!(world.settled().await.confirmed, 1);
    wait::until("the metric to be 0 again", LIMIT, async || world.counted_as_stuck().await == "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_whose_payment_cannot_be_asked_for_its_id_is_listed_and_ends_confirmed() {
    let world = World::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 5000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 2000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    world.to_payment.add(Rule::on("POST", "steps/pay").then(Action::LoseReply));
    assert_eq!(world.place("paid-unheard", &order()).await.status, 202);

    shows_as_stuck_within(LIMIT, &world, "paid-unheard", "payment.pay").await;

    world.to_payment.clear_rules();
    assert_eq!(world.settled().await.confirmed, 1);
}
