//! The worker is killed or paused at every point of an order. Then it is restarted, or another worker takes over.

use end_to_end::steps::{ORDER_LIMIT, Outcome};
use end_to_end::{ServerAddresses, Service, TestSystem};
use futures::future::join_all;
use harness::proxy::{Mode, TcpProxy};
use harness::servers::shared;
use harness::wait;
use orchestrator_temporal::table::Step;

use crate::points::{
    HeldOrder, Side, assert_finished_as_expected, kill_and_restart_orchestrator, ledgers, orders_at_all_points, points,
    reach_points, start_orchestrator, with_long_deadline,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ends_as_expected_after_the_worker_is_killed_just_before_or_after_a_step() {
    let system = with_long_deadline().start().await;
    let orders = orders_at_all_points(&system, "kill");
    for order in &orders {
        let body = order.body();
        let kill = async {
            order.wait_until_held(&system).await;
            system.process(Service::Orchestrator).kill().await;
            order.release();
        };
        // An answer that arrives before the kill is kept for the checker.
        futures::join!(system.try_place(&order.key, &body), kill);
        start_orchestrator(&system).await;
    }
    assert_finished_as_expected(&system, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_end_as_expected_after_the_worker_is_killed_during_durable_attempts() {
    let system = with_long_deadline().start().await;
    let orders = orders_at_all_points(&system, "wait");
    reach_points(&system, &orders).await;
    join_all(orders.iter().map(HeldOrder::wait_for_durable_attempt)).await;
    clear_rules(&system);
    kill_and_restart_orchestrator(&system).await;
    assert_finished_as_expected(&system, &orders).await;

    let before = ledgers(&system).await;
    let held: Vec<_> = orders.iter().map(|order| (order, order.calls(&system))).collect();
    orders.iter().for_each(HeldOrder::release);
    for (order, held) in held {
        let ended = async || order.calls(&system)[..held.len()].iter().all(|call| call.ended || call.fault.is_none());
        wait::until(&format!("the late calls of {} to end", order.key), ORDER_LIMIT, ended).await;
    }
    assert_eq!(before, ledgers(&system).await, "the late calls of the killed worker changed a ledger");
    system.wait_until_finished().await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ends_as_expected_after_the_worker_is_killed_before_or_after_its_workflow_task_completes() {
    let (database, redis, temporal) = (shared::database().await, shared::redis().await, shared::temporal().await);
    let to_temporal = TcpProxy::start(temporal.address()).await;
    let servers = ServerAddresses {
        mysql: database.address(),
        redis_port: redis.port(),
        temporal: to_temporal.address(),
        ledgers_url: database.url(),
    };
    let system = with_long_deadline().servers(servers).start().await;
    // These are the last steps of an order before its only workflow task completes.
    let is_last = |step: Step| matches!(step, Step::StockConfirm | Step::OrderCancel | Step::StockRelease);
    let last: Vec<_> =
        points().into_iter().filter(|point| is_last(point.step.id) && point.side == Side::After).collect();
    let mut orders = Vec::new();
    for completion in ["lost", "late", "in-time"] {
        let round: Vec<_> = last.iter().map(|point| point.order(&system, completion)).collect();
        reach_points(&system, &round).await;
        if completion == "in-time" {
            round.iter().for_each(HeldOrder::release);
            join_all(round.iter().map(|order| wait_until_ended(&system, order))).await;
        } else {
            to_temporal.set_mode(Mode::Hang);
            round.iter().for_each(HeldOrder::release);
            join_all(round.iter().map(|order| wait_until_delivered(&system, order))).await;
        }
        system.process(Service::Orchestrator).kill().await;
        if completion == "lost" {
            to_temporal.cut();
            wait::until("the connections to close", ORDER_LIMIT, async || to_temporal.open_connections() == 0).await;
        }
        to_temporal.set_mode(Mode::Pass);
        start_orchestrator(&system).await;
        orders.extend(round);
    }
    assert_finished_as_expected(&system, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_paused_until_another_worker_took_over_does_no_harm() {
    let system = with_long_deadline().start().await;
    let second = system.another_orchestrator();
    let mut all = orders_at_all_points(&system, "durable");
    reach_points(&system, &all).await;
    join_all(all.iter().map(HeldOrder::wait_for_durable_attempt)).await;
    let quick = orders_at_all_points(&system, "quick");
    reach_points(&system, &quick).await;
    all.extend(quick);

    let first = system.process(Service::Orchestrator);
    first.pause().await;
    // The held calls of the first worker stay held and arrive late. The calls of the second worker are not held.
    clear_rules(&system);
    second.start();
    second.wait_up().await;
    system.wait_until_finished().await;

    let before = ledgers(&system).await;
    let calls = count_calls(&system);
    all.iter().for_each(HeldOrder::release);
    first.resume();
    // A draining worker finishes the steps that it has already started.
    assert_eq!(first.terminate().await, 0);
    println!("{} calls of the paused worker", count_calls(&system) - calls);
    assert_eq!(before, ledgers(&system).await, "the paused worker changed a ledger");
    assert_eq!(second.terminate().await, 0);
    first.start();
    first.wait_up().await;
    assert_finished_as_expected(&system, &all).await;
    println!("{} cases", all.len());
}

fn clear_rules(system: &TestSystem) {
    for proxy in [&system.to_order, &system.to_inventory, &system.to_payment] {
        proxy.clear_rules();
    }
}

fn count_calls(system: &TestSystem) -> usize {
    [&system.to_order, &system.to_inventory, &system.to_payment].iter().map(|proxy| proxy.calls().len()).sum()
}

/// Waits until all held replies of the order are delivered.
async fn wait_until_delivered(system: &TestSystem, order: &HeldOrder) {
    let delivered = async || order.calls(system).iter().all(|call| call.ended);
    wait::until(&format!("the replies for {} to be delivered", order.key), ORDER_LIMIT, delivered).await;
}

/// Waits until the workflow of the order has completed.
async fn wait_until_ended(system: &TestSystem, order: &HeldOrder) {
    let status = if order.point.step.outcome == Outcome::Confirmed { "CONFIRMED" } else { "CANCELLED" };
    let ended = async || system.follow(&order.key).await.text("status") == status;
    wait::until(&format!("the order {} to be {status}", order.key), ORDER_LIMIT, ended).await;
}
