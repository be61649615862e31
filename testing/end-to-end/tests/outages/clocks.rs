//! The clock of one program is ten minutes ahead and that of another is ten minutes behind. This must change nothing.

use std::time::Duration;

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};
use harness::wait;
use serde_json::json;

const TEN_MINUTES: i64 = 600;
const LIMIT: Duration = Duration::from_secs(60);

async fn system_with_wrong_clocks(ahead: Service, behind: Service) -> TestSystem {
    TestSystem::builder()
        .clock_shift(ahead, TEN_MINUTES)
        .clock_shift(behind, -TEN_MINUTES)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 3000)
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 4000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 6000)
        .start()
        .await
}

/// Runs a normal order, a refusal, a slow card whose lease is respected, and a lost answer whose lease is taken over.
async fn assert_orders_end_as_expected(system: &TestSystem) {
    assert_eq!(system.place("clock-order", &order()).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(
        system.place("clock-declined", &order_paid_by("CARD_DECLINED")).await.status_and_code(),
        (402, "PAYMENT_DECLINED")
    );
    assert_eq!(
        system.place("clock-lost", &order_paid_by("CARD_TIMEOUT_THEN_APPROVED")).await.status_and_code(),
        (200, "CONFIRMED")
    );

    system.place_async("clock-slow", &order_paid_by("CARD_SLOW")).await;
    let pay = system.to_payment.wait_for("the payment call", LIMIT, |call| {
        call.path.ends_with("/steps/pay") && call.text().contains(&system.saga("clock-slow"))
    });
    let order = pay.await.json();
    let url = format!("{}/api/payments/steps/pay", system.process(Service::Payment).url());
    wait::until("the lease to be held", LIMIT, async || {
        matches!(system.post(&url, &order).await.status_and_code(), (409, "IN_PROGRESS") | (200, _))
    })
    .await;
    wait::until("the slow card to be paid", LIMIT, async || {
        system.follow("clock-slow").await.text("status") == "CONFIRMED"
    })
    .await;
}

async fn assert_the_deadline_ends_a_late_order(system: &TestSystem) {
    system.place_async("clock-late", &order_paid_by("CARD_APPROVED_AFTER_90S")).await;
    wait::until("the deadline to end the order", LIMIT, async || {
        system.follow("clock-late").await.text("code") == "DEADLINE_EXCEEDED"
    })
    .await;
}

async fn assert_only_a_stuck_order_is_listed(system: &TestSystem) {
    let list = format!("{}/api/temporal/orders/stuck", system.api());
    wait::until_some("the list", LIMIT, async || {
        let reply = system.get(&list).await;
        (reply.status == 200).then(|| assert_eq!(reply.json, json!([])))
    })
    .await;
    let unfinished = format!("{}/api/orders/unfinished?olderThanSeconds=300", system.process(Service::Order).url());
    assert_eq!(system.get(&unfinished).await.json, json!([]));

    system.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    system.place_async("clock-stuck", &order()).await;
    wait::until("the order to be stuck", LIMIT, async || system.follow("clock-stuck").await.json["stuck"] == true)
        .await;
    // Temporal's list of running workflows is updated with a delay.
    let stuck = wait::until_some("the order to be listed", LIMIT, async || {
        let stuck = system.get(&list).await.json;
        (stuck.as_array().map(Vec::len) == Some(1)).then_some(stuck)
    })
    .await;
    let age = stuck[0]["ageSeconds"].as_u64().expect("an age");
    assert!((3..300).contains(&age), "{stuck}");
    assert_eq!(system.get(&unfinished).await.json, json!([]));
    system.to_inventory.clear_rules();
}

async fn assert_nothing_changes(ahead: Service, behind: Service) {
    let system = system_with_wrong_clocks(ahead, behind).await;
    tokio::join!(assert_orders_end_as_expected(&system), assert_the_deadline_ends_a_late_order(&system));
    assert_only_a_stuck_order_is_listed(&system).await;
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (4, 2));
    println!("{ahead:?} ahead, {behind:?} behind: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clock_ahead_and_one_clock_behind_change_nothing() {
    tokio::join!(
        assert_nothing_changes(Service::Orchestrator, Service::Payment),
        assert_nothing_changes(Service::Payment, Service::Orchestrator),
        assert_nothing_changes(Service::Inventory, Service::Order),
        assert_nothing_changes(Service::Order, Service::Inventory),
    );
}
