//! A paid order only goes forward, however long a service is down.

use std::time::Duration;

use end_to_end::steps::{
    ORDER_LIMIT, cancel_order, final_answer, one_unit_paid_by, start_order, step_named, wait_for_payment_status,
    wait_until_stuck,
};
use end_to_end::{Service, TestSystem};
use futures::{StreamExt, stream};
use harness::faults::{Action, Gate};
use harness::wait;
use serde_json::json;
use tokio::time::Instant;

/// The number of orders that wait. It is larger than the number of workflow slots and of slots for durable attempts:
/// each is `ORCHESTRATOR_MAX_ORDERS` plus 20.
const WAITING: usize = 30;
/// The number of orders that arrive while the others wait.
const OTHERS: usize = 4;

/// How a service goes down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The process does not exist, so connections are refused.
    Killed,
    /// A signal has stopped the process, so connections hang.
    Paused,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_a_killed_order_service() {
    paid_order_waits_for(&[Service::Order], Failure::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_a_killed_inventory_service() {
    paid_order_waits_for(&[Service::Inventory], Failure::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_a_paused_order_service() {
    paid_order_waits_for(&[Service::Order], Failure::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_a_paused_inventory_service() {
    paid_order_waits_for(&[Service::Inventory], Failure::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_two_killed_services() {
    paid_order_waits_for(&[Service::Order, Service::Inventory], Failure::Killed).await;
}

async fn paid_order_waits_for(services: &[Service], failure: Failure) {
    let (key, body) = ("waiting", one_unit_paid_by("CARD"));
    let system = TestSystem::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000).start().await;
    pay_then_stop(&system, key, services, failure).await;

    let confirms = ["order.confirm", "stock.confirm"].map(step_named);
    let missing: Vec<_> = confirms.into_iter().filter(|step| services.contains(&step.service)).collect();
    let names: Vec<_> = missing.iter().map(|step| step.name).collect();
    wait::until("the order to show its steps", ORDER_LIMIT, async || waits_for(&system, key, &names).await).await;
    // The first two calls are quick attempts. The later ones are durable attempts.
    wait::until("durable attempts of each step", ORDER_LIMIT, async || {
        missing.iter().all(|step| step.calls(&system, key).len() >= 4)
    })
    .await;
    place_until_accepted(&system, key).await;
    assert_eq!(cancel_order(&system, key).await.status_and_code(), (409, "ORDER_ALREADY_PAID"));
    let report = system.report().await;
    assert!(report.is_consistent() && report.unfinished.len() == 1, "{report}");

    restore(&system, services, failure);
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
    assert_eq!(system.stock(1).await, (99, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_stuck_while_the_order_service_is_down_for_two_minutes_and_ends_confirmed() {
    paid_order_is_stuck_without(Service::Order, "order.confirm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_stuck_while_the_inventory_service_is_down_for_two_minutes_and_ends_confirmed() {
    paid_order_is_stuck_without(Service::Inventory, "stock.confirm").await;
}

async fn paid_order_is_stuck_without(service: Service, step: &str) {
    let (key, system) = ("waiting", TestSystem::start().await);
    pay_then_stop(&system, key, &[service], Failure::Killed).await;
    let restore_at = Instant::now() + Duration::from_secs(120);

    wait_until_stuck(&system, key, step).await;
    tokio::time::sleep_until(restore_at).await;
    assert!(waits_for(&system, key, &[step]).await, "{:?}", system.follow(key).await);

    restore(&system, &[service], Failure::Killed);
    assert_eq!(final_answer(&system, key, &one_unit_paid_by("CARD")).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
    wait::until("the metric to count no stuck order", ORDER_LIMIT, async || system.stuck_metric().await == "0").await;
}

/// Starts an order and waits until it is paid. Then stops these services before the order can be confirmed.
async fn pay_then_stop(system: &TestSystem, key: &str, services: &[Service], failure: Failure) {
    let gate = Gate::new();
    system.to_payment.add(step_named("payment.pay").rule(system, key).then(Action::HoldReply(gate.clone())));
    start_order(system, key, &one_unit_paid_by("CARD")).await;
    wait_for_payment_status(system, key, "APPROVED").await;
    for service in services {
        match failure {
            Failure::Killed => system.process(*service).kill().await,
            Failure::Paused => system.process(*service).pause().await,
        }
    }
    gate.release();
}

fn restore(system: &TestSystem, services: &[Service], failure: Failure) {
    for service in services {
        match failure {
            Failure::Killed => system.process(*service).start(),
            Failure::Paused => system.process(*service).resume(),
        }
    }
}

/// Whether the order is PENDING and waits for exactly these steps.
async fn waits_for(system: &TestSystem, key: &str, steps: &[&str]) -> bool {
    let order = system.follow(key).await;
    let mut shown: Vec<_> = order.json["steps"].as_array().cloned().unwrap_or_default();
    shown.sort_by_key(ToString::to_string);
    order.text("status") == "PENDING" && json!(shown) == json!(steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_orders_that_wait_for_an_unreachable_service_leave_slots_for_other_orders() {
    waiting_orders_leave_slots(&Action::Refuse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_orders_that_wait_for_a_hanging_service_leave_slots_for_other_orders() {
    waiting_orders_leave_slots(&Action::HoldRequest(Gate::new())).await;
}

async fn waiting_orders_leave_slots(fault: &Action) {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_MAX_ORDERS", 2)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    let confirm = step_named("order.confirm");
    let waiting: Vec<_> = (0..WAITING).map(|number| format!("waiting-{number}")).collect();
    for key in &waiting {
        system.to_order.add(confirm.rule(&system, key).then(fault.clone()));
    }
    stream::iter(&waiting).for_each_concurrent(2, async |key| place_until_accepted(&system, key).await).await;
    for key in &waiting {
        wait::until("the order to wait", ORDER_LIMIT, async || waits_for(&system, key, &["order.confirm"]).await).await;
    }

    // The slow card makes these orders use durable attempts, so they need slots too.
    let (others, slow) =
        (stream::iter(0..OTHERS).map(|number| format!("another-{number}")), one_unit_paid_by("CARD_SLOW"));
    others
        .for_each_concurrent(2, async |key| {
            assert_eq!(final_answer(&system, &key, &slow).await.status_and_code(), (200, "CONFIRMED"), "{key}");
        })
        .await;
    for key in &waiting {
        wait::until("the order to still wait", ORDER_LIMIT, async || waits_for(&system, key, &["order.confirm"]).await)
            .await;
    }
    system.to_order.clear_rules();
    for key in &waiting {
        wait::until("the order to be confirmed", ORDER_LIMIT, async || {
            system.follow(key).await.text("status") == "CONFIRMED"
        })
        .await;
    }
    assert_eq!(system.wait_until_finished().await.confirmed, WAITING + OTHERS);
}

/// Places an order, and repeats the request until it is answered 202.
async fn place_until_accepted(system: &TestSystem, key: &str) {
    wait::until("the order to be answered 202", ORDER_LIMIT, async || {
        system.place(key, &one_unit_paid_by("CARD")).await.status == 202
    })
    .await;
}
