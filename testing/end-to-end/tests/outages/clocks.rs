//! One process's clock is ten minutes ahead, another's ten minutes behind: nothing changes.

use std::time::Duration;

use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Rule};
use harness::wait;
use serde_json::json;

const TEN_MINUTES: i64 = 600;
const LIMIT: Duration = Duration::from_secs(60);

async fn world(ahead: Service, behind: Service) -> World {
    World::builder()
        .clock(ahead, TEN_MINUTES)
        .clock(behind, -TEN_MINUTES)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 3000)
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 4000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 6000)
        .start()
        .await
}

/// An order, a refusal, a slow card whose lease is respected, a lost answer whose lease is taken over.
async fn orders_end_as_ever(world: &World) {
    assert_eq!(world.place("clock-order", &order()).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.place("clock-declined", &body("CARD_DECLINED")).await.brief(), (402, "PAYMENT_DECLINED"));
    assert_eq!(world.place("clock-lost", &body("CARD_TIMEOUT_THEN_APPROVED")).await.brief(), (200, "CONFIRMED"));

    world.place_async("clock-slow", &body("CARD_SLOW")).await;
    let pay = world.to_payment.wait_for("the payment to be asked for", LIMIT, |call| {
        call.path.ends_with("/steps/pay") && call.text().contains(&world.saga("clock-slow"))
    });
    let asked = pay.await.json();
    let url = format!("{}/api/payments/steps/pay", world.process(Service::Payment).url());
    wait::until("the lease to be held", LIMIT, async || {
        matches!(world.post(&url, &asked).await.brief(), (409, "IN_PROGRESS") | (200, _))
    })
    .await;
    wait::until("the slow card to be paid", LIMIT, async || {
        world.follow("clock-slow").await.text("status") == "CONFIRMED"
    })
    .await;
}

async fn the_deadline_ends_what_is_late(world: &World) {
    world.place_async("clock-late", &body("CARD_APPROVED_AFTER_90S")).await;
    wait::until("the deadline to end the order", LIMIT, async || {
        world.follow("clock-late").await.text("code") == "DEADLINE_EXCEEDED"
    })
    .await;
}

async fn only_what_is_stuck_is_listed(world: &World) {
    let list = format!("{}/api/temporal/orders/stuck", world.api());
    wait::until_some("the list", LIMIT, async || {
        let reply = world.get(&list).await;
        (reply.status == 200).then(|| assert_eq!(reply.json, json!([])))
    })
    .await;
    let unfinished = format!("{}/api/orders/unfinished?olderThanSeconds=300", world.process(Service::Order).url());
    assert_eq!(world.get(&unfinished).await.json, json!([]));

    world.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    world.place_async("clock-stuck", &order()).await;
    wait::until("the order to be stuck", LIMIT, async || world.follow("clock-stuck").await.json["stuck"] == true).await;
    // Temporal's own list of what runs lags behind.
    let stuck = wait::until_some("it to be listed", LIMIT, async || {
        let stuck = world.get(&list).await.json;
        (stuck.as_array().map(Vec::len) == Some(1)).then_some(stuck)
    })
    .await;
    let age = stuck[0]["ageSeconds"].as_u64().expect("an age");
    assert!((3..300).contains(&age), "{stuck}");
    assert_eq!(world.get(&unfinished).await.json, json!([]));
    world.to_inventory.clear_rules();
}

async fn nothing_changes(ahead: Service, behind: Service) {
    let world = world(ahead, behind).await;
    tokio::join!(orders_end_as_ever(&world), the_deadline_ends_what_is_late(&world));
    only_what_is_stuck_is_listed(&world).await;
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (4, 2));
    println!("{ahead:?} ahead, {behind:?} behind: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_clock_ahead_and_another_behind_nothing_changes() {
    tokio::join!(
        nothing_changes(Service::Orchestrator, Service::Payment),
        nothing_changes(Service::Payment, Service::Orchestrator),
        nothing_changes(Service::Inventory, Service::Order),
        nothing_changes(Service::Order, Service::Inventory),
    );
}
