//! Commands of Temporal at every point of an order: cancel, signal and terminate.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::steps::{ORDER_LIMIT, Outcome, cancel_order, final_answer, step_named, wait_for_payment_status};
use end_to_end::{Reply, Service, TestSystem};
use futures::{StreamExt, stream};
use harness::faults::{Action, Gate};
use harness::servers::shared;
use harness::wait;

use crate::points::{
    HeldOrder, assert_finished_as_expected, orders_at_all_points, reach_points, start_orchestrator, with_long_deadline,
};

/// The number of commands that run at the same time. Each runs in its own process.
const CONCURRENT_COMMANDS: usize = 4;

/// Runs `temporal workflow <command>` for each of these orders.
async fn run_command(system: &TestSystem, orders: &[HeldOrder], command: &[&str]) {
    let temporal = shared::temporal().await;
    stream::iter(orders)
        .for_each_concurrent(CONCURRENT_COMMANDS, async |order| {
            let saga = system.saga(&order.key);
            let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
            temporal.command_until_done(&arguments, &["already completed", "already requested"]).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_signal_at_any_point_of_an_order_changes_nothing() {
    let system = with_long_deadline().start().await;
    let orders = orders_at_all_points(&system, "signal");
    reach_points(&system, &orders).await;
    run_command(&system, &orders, &["signal", "--name", "unknown-signal"]).await;
    orders.iter().for_each(HeldOrder::release);
    assert_finished_as_expected(&system, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_cancel_at_any_point_of_an_order_cancels_it_or_arrives_too_late() {
    let system = with_long_deadline().start().await;
    let orders = orders_at_all_points(&system, "cancel");
    reach_points(&system, &orders).await;
    run_command(&system, &orders, &["cancel"]).await;
    orders.iter().for_each(HeldOrder::release);
    for order in &orders {
        let reply = final_answer(&system, &order.key, &order.body()).await;
        let expected = order.point.step.outcome.expected_answer();
        // A cancellation during a quick attempt takes effect after the attempt. By then the order may be paid.
        let may_be_cancelled = order.point.step.outcome == Outcome::Confirmed && !order.point.is_paid();
        let agrees = reply.status_and_code() == expected
            || may_be_cancelled && reply.status_and_code() == Outcome::Cancelled.expected_answer();
        assert!(agrees, "{}: {reply:?}", order.key);
    }
    let report = system.wait_until_finished().await;
    assert_eq!(report.confirmed + report.cancelled, orders.len(), "{report}");
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_cancel_during_a_durable_attempt_before_the_payment_cancels_the_order() {
    let system = with_long_deadline().start().await;
    let mut orders = orders_at_all_points(&system, "durable");
    orders.retain(|order| order.point.step.outcome == Outcome::Confirmed && !order.point.is_paid());
    reach_points(&system, &orders).await;
    futures::future::join_all(orders.iter().map(HeldOrder::wait_for_durable_attempt)).await;
    run_command(&system, &orders, &["cancel"]).await;
    for order in &orders {
        wait_for_payment_status(&system, &order.key, "CANCELLED").await;
        order.release();
        let reply = final_answer(&system, &order.key, &order.body()).await;
        assert_eq!(reply.status_and_code(), Outcome::Cancelled.expected_answer(), "{}", order.key);
    }
    assert_eq!(system.wait_until_finished().await.cancelled, orders.len());
    assert_eq!(system.stock(1).await, (100, 0));
    println!("{} cases", orders.len());
}

/// The sagas that the services list as unfinished.
async fn listed_sagas(system: &TestSystem) -> BTreeSet<String> {
    let lists = [
        (Service::Order, "/api/orders/unfinished"),
        (Service::Inventory, "/api/inventory/unfinished"),
        (Service::Payment, "/api/payments/unfinished"),
    ];
    let mut listed = BTreeSet::new();
    for (service, path) in lists {
        let list = system.get(&format!("{}{path}?olderThanSeconds=0", system.process(service).url())).await;
        let sagas = list.json.as_array().unwrap_or_else(|| panic!("{path}: {list:?}")).iter();
        listed.extend(sagas.map(|saga| saga["sagaId"].as_str().expect("a saga's id").to_owned()));
    }
    listed
}

/// Panics unless the ledgers agree and every unfinished saga is listed. Returns the number of unfinished sagas.
async fn assert_consistent_and_listed(system: &TestSystem) -> usize {
    let (report, listed) = (system.report().await, listed_sagas(system).await);
    assert!(report.is_consistent(), "{report}");
    let unfinished: BTreeSet<_> = report.unfinished.iter().map(|saga| saga.subject.clone()).collect();
    assert!(unfinished.is_subset(&listed), "not listed: {:?}", unfinished.difference(&listed).collect::<Vec<_>>());
    unfinished.len()
}

/// Repeats the POST of the order, after a DELETE if `delete` is set. Panics unless the order has its expected outcome.
async fn finish(system: &TestSystem, order: &HeldOrder, delete: bool) {
    let name = &order.key;
    let follow = wait::until_some("an answer to GET", ORDER_LIMIT, async || {
        let reply = system.follow(name).await;
        (reply.status != 503).then_some(reply)
    })
    .await;
    assert_eq!(follow.status, 200, "{name}: {follow:?}");
    let deleted = if delete { Some(cancel_order(system, name).await) } else { None };
    if deleted.is_some() {
        // The promise of the DELETE holds even if the POST is never repeated.
        let ended = async || matches!(system.follow(name).await.text("status"), "CONFIRMED" | "CANCELLED");
        wait::until(&format!("the order {name} to end"), ORDER_LIMIT, ended).await;
    }
    let outcome = match deleted.as_ref().map(Reply::status_and_code) {
        None => order.point.step.outcome,
        Some((409, "ORDER_ALREADY_PAID")) => Outcome::Confirmed,
        Some((200 | 202, _)) if order.point.step.outcome == Outcome::Declined => Outcome::Declined,
        Some((200 | 202, _)) => Outcome::Cancelled,
        Some(other) => panic!("the DELETE of {name} was answered {other:?}"),
    };
    assert_eq!(final_answer(system, name, &order.body()).await.status_and_code(), outcome.expected_answer(), "{name}");
}

/// Terminates the workflow of one order at each point, stops the worker with `stop_worker`, restarts it, and finishes
/// the orders.
async fn terminate_at_all_points(stop_worker: impl AsyncFn(&TestSystem, &dyn Fn())) {
    let system = with_long_deadline().start().await;
    let (plain, deleted) = (orders_at_all_points(&system, "plain"), orders_at_all_points(&system, "deleted"));
    reach_points(&system, &plain).await;
    reach_points(&system, &deleted).await;
    run_command(&system, &plain, &["terminate"]).await;
    run_command(&system, &deleted, &["terminate"]).await;
    stop_worker(&system, &|| plain.iter().chain(&deleted).for_each(HeldOrder::release)).await;
    for order in plain.iter().chain(&deleted) {
        let ended = async || order.calls(&system).iter().all(|call| call.ended);
        wait::until(&format!("the calls of {} to end", order.key), ORDER_LIMIT, ended).await;
    }
    let unfinished = assert_consistent_and_listed(&system).await;

    system.process(Service::Orchestrator).restart().await;
    system.process(Service::Orchestrator).wait_up().await;
    let all = plain.iter().map(|order| (order, false)).chain(deleted.iter().map(|order| (order, true)));
    stream::iter(all)
        .for_each_concurrent(CONCURRENT_COMMANDS, async |(order, delete)| finish(&system, order, delete).await)
        .await;
    let (report, count) = (system.wait_until_finished().await, plain.len() + deleted.len());
    assert_eq!(report.confirmed + report.cancelled, count, "{report}");
    assert!(listed_sagas(&system).await.is_empty());
    println!("{count} cases, {unfinished} of them unfinished until their request was repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_terminated_at_any_point_is_listed_as_unfinished_and_ends_as_expected_when_repeated() {
    terminate_at_all_points(async |system, release| {
        system.process(Service::Orchestrator).kill().await;
        release();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_still_run_when_their_order_is_terminated_do_no_harm() {
    terminate_at_all_points(async |system, release| {
        release();
        // A draining worker finishes the steps that it has already started.
        assert_eq!(system.process(Service::Orchestrator).terminate().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_finishes_a_terminated_order_even_if_its_client_disconnects() {
    let system = with_long_deadline().start().await;
    let mut orders = orders_at_all_points(&system, "disconnects");
    orders.retain(|order| order.point.step.name == "payment.pay" && !order.point.is_paid());
    reach_points(&system, &orders).await;
    run_command(&system, &orders, &["terminate"]).await;
    for order in &orders {
        let (gate, cancel) = (Gate::new(), step_named("payment.cancel"));
        cancel.proxy(&system).add(cancel.rule(&system, &order.key).nth(1).then(Action::HoldReply(gate.clone())));
        tokio::select! {
            reply = system.try_cancel(&order.key) => panic!("{}: {reply:?}", order.key),
            () = gate.wait_arrived(1) => {}
        }
        // This gives the orchestrator time to notice that its client has disconnected.
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.release();
        order.release();
        let cancelled = async || system.follow(&order.key).await.text("status") == "CANCELLED";
        wait::until(&format!("the order {} to be cancelled", order.key), ORDER_LIMIT, cancelled).await;
    }
    assert_eq!(system.wait_until_finished().await.cancelled, orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_order_is_not_started_again_by_another_request_with_its_key() {
    let system = with_long_deadline().start().await;
    let orders = orders_at_all_points(&system, "reused");
    reach_points(&system, &orders).await;
    run_command(&system, &orders, &["terminate"]).await;
    system.process(Service::Orchestrator).kill().await;
    orders.iter().for_each(HeldOrder::release);
    start_orchestrator(&system).await;
    for order in &orders {
        let mut other = order.body();
        other["quantity"] = 2.into();
        let refused = final_answer(&system, &order.key, &other).await;
        assert_eq!(refused.status_and_code(), (422, "IDEMPOTENCY_KEY_REUSED"), "{}", order.key);
    }
    assert_finished_as_expected(&system, &orders).await;
    println!("{} cases", orders.len());
}
