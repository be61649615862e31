//! Temporal's own commands at every point of an order: cancel, signal, terminate.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::steps::{Ending, ORDER_LIMIT, cancel, last_answer, named, payment_is};
use end_to_end::{Reply, Service, World};
use futures::{StreamExt, stream};
use harness::faults::{Action, Gate};
use harness::servers::shared;
use harness::wait;

use crate::points::{Order, orders, patient, reach, settled_as_meant};

/// Commands at once: each is a process of its own.
const AT_ONCE: usize = 4;

/// Runs `temporal workflow <command>` for each of these orders.
async fn command(world: &World, orders: &[Order], command: &[&str]) {
    let temporal = shared::temporal().await;
    stream::iter(orders)
        .for_each_concurrent(AT_ONCE, async |order| {
            let saga = world.saga(&order.key);
            let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
            temporal.command_at_last(&arguments, &["already completed", "already requested"]).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_nobody_knows_changes_nothing_at_any_point_of_an_order() {
    let world = patient().start().await;
    let orders = orders(&world, "signal");
    reach(&world, &orders).await;
    command(&world, &orders, &["signal", "--name", "nobody-knows-it"]).await;
    orders.iter().for_each(Order::release);
    settled_as_meant(&world, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_own_cancel_at_any_point_of_an_order_is_a_cancel_or_comes_too_late() {
    let world = patient().start().await;
    let orders = orders(&world, "cancel");
    reach(&world, &orders).await;
    command(&world, &orders, &["cancel"]).await;
    orders.iter().for_each(Order::release);
    for order in &orders {
        let reply = last_answer(&world, &order.key, &order.body()).await;
        let meant = order.point.step.ending.answer();
        // A cancel that comes while a quick try runs is looked at after it: the order may have been paid by then.
        let may_be_cancelled = order.point.step.ending == Ending::Confirmed && !order.point.is_paid();
        let agrees = reply.brief() == meant || may_be_cancelled && reply.brief() == Ending::Cancelled.answer();
        assert!(agrees, "{}: {reply:?}", order.key);
    }
    let report = world.settled().await;
    assert_eq!(report.confirmed + report.cancelled, orders.len(), "{report}");
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn temporals_own_cancel_while_a_step_before_the_payment_waits_is_always_a_cancel() {
    let world = patient().start().await;
    let mut orders = orders(&world, "waits");
    orders.retain(|order| order.point.step.ending == Ending::Confirmed && !order.point.is_paid());
    reach(&world, &orders).await;
    futures::future::join_all(orders.iter().map(Order::is_handed_over)).await;
    command(&world, &orders, &["cancel"]).await;
    for order in &orders {
        payment_is(&world, &order.key, "CANCELLED").await;
        order.release();
        let reply = last_answer(&world, &order.key, &order.body()).await;
        assert_eq!(reply.brief(), Ending::Cancelled.answer(), "{}", order.key);
    }
    assert_eq!(world.settled().await.cancelled, orders.len());
    assert_eq!(world.stock(1).await, (100, 0));
    println!("{} cases", orders.len());
}

/// The sagas that the services list as unfinished.
async fn listed(world: &World) -> BTreeSet<String> {
    let lists = [
        (Service::Order, "/api/orders/unfinished"),
        (Service::Inventory, "/api/inventory/unfinished"),
        (Service::Payment, "/api/payments/unfinished"),
    ];
    let mut listed = BTreeSet::new();
    for (service, path) in lists {
        let list = world.get(&format!("{}{path}?olderThanSeconds=0", world.process(service).url())).await;
        let sagas = list.json.as_array().unwrap_or_else(|| panic!("{path}: {list:?}")).iter();
        listed.extend(sagas.map(|saga| saga["sagaId"].as_str().expect("a saga's id").to_owned()));
    }
    listed
}

/// Fails unless nothing is wrong and every unfinished saga is listed; tells how many those are.
async fn assert_sound_and_listed(world: &World) -> usize {
    let (report, listed) = (world.report().await, listed(world).await);
    assert!(report.is_sound(), "{report}");
    let unfinished: BTreeSet<_> = report.unfinished.iter().map(|fault| fault.saga.clone()).collect();
    assert!(unfinished.is_subset(&listed), "not listed: {:?}", unfinished.difference(&listed).collect::<Vec<_>>());
    unfinished.len()
}

/// Repeats the order's POST, if wanted after a DELETE; fails unless it ends right.
async fn finish(world: &World, order: &Order, delete: bool) {
    let name = &order.key;
    let follow = wait::until_some("an answer to GET", ORDER_LIMIT, async || {
        let reply = world.follow(name).await;
        (reply.status != 503).then_some(reply)
    })
    .await;
    assert_eq!(follow.status, 200, "{name}: {follow:?}");
    let deleted = if delete { Some(cancel(world, name).await) } else { None };
    if deleted.is_some() {
        // What DELETE promises is kept, whether the order is repeated or not.
        let ended = async || matches!(world.follow(name).await.text("status"), "CONFIRMED" | "CANCELLED");
        wait::until(&format!("{name}: its end"), ORDER_LIMIT, ended).await;
    }
    let end = match deleted.as_ref().map(Reply::brief) {
        None => order.point.step.ending,
        Some((409, "ORDER_ALREADY_PAID")) => Ending::Confirmed,
        Some((200 | 202, _)) if order.point.step.ending == Ending::Declined => Ending::Declined,
        Some((200 | 202, _)) => Ending::Cancelled,
        Some(other) => panic!("{name}: DELETE answered {other:?}"),
    };
    assert_eq!(last_answer(world, name, &order.body()).await.brief(), end.answer(), "{name}");
}

/// Terminates an order at each point, stops the worker so, starts it again, and finishes the orders.
async fn terminate(stop_worker: impl AsyncFn(&World, &dyn Fn())) {
    let world = patient().start().await;
    let (plain, deleted) = (orders(&world, "plain"), orders(&world, "deleted"));
    reach(&world, &plain).await;
    reach(&world, &deleted).await;
    command(&world, &plain, &["terminate"]).await;
    command(&world, &deleted, &["terminate"]).await;
    stop_worker(&world, &|| plain.iter().chain(&deleted).for_each(Order::release)).await;
    for order in plain.iter().chain(&deleted) {
        let landed = async || order.calls(&world).iter().all(|call| call.ended);
        wait::until(&format!("{}: its calls to land", order.key), ORDER_LIMIT, landed).await;
    }
    let unfinished = assert_sound_and_listed(&world).await;

    world.process(Service::Orchestrator).restart().await;
    world.process(Service::Orchestrator).wait_up().await;
    let all = plain.iter().map(|order| (order, false)).chain(deleted.iter().map(|order| (order, true)));
    stream::iter(all).for_each_concurrent(AT_ONCE, async |(order, delete)| finish(&world, order, delete).await).await;
    let (report, count) = (world.settled().await, plain.len() + deleted.len());
    assert_eq!(report.confirmed + report.cancelled, count, "{report}");
    assert!(listed(&world).await.is_empty());
    println!("{count} cases, {unfinished} of them unfinished until they were repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_terminated_at_any_point_is_listed_as_unfinished_and_ends_right_when_it_is_repeated() {
    terminate(async |world, release| {
        world.process(Service::Orchestrator).kill().await;
        release();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_still_run_when_their_order_is_terminated_do_no_harm() {
    terminate(async |world, release| {
        release();
        // It drains: what it believes is still to be done is done before it ends.
        assert_eq!(world.process(Service::Orchestrator).terminate().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_of_a_terminated_order_brings_it_to_its_end_also_if_its_client_hangs_up() {
    let world = patient().start().await;
    let mut orders = orders(&world, "hangs-up");
    orders.retain(|order| order.point.step.name == "payment.pay" && !order.point.is_paid());
    reach(&world, &orders).await;
    command(&world, &orders, &["terminate"]).await;
    for order in &orders {
        let (gate, decide) = (Gate::new(), named("payment.cancel"));
        decide.proxy(&world).add(decide.rule(&world, &order.key).nth(1).then(Action::HoldReply(gate.clone())));
        tokio::select! {
            reply = world.try_cancel(&order.key) => panic!("{}: {reply:?}", order.key),
            () = gate.wait_arrived(1) => {}
        }
        // Not for something to happen, but that the orchestrator may notice that its client has gone.
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.release();
        order.release();
        let cancelled = async || world.follow(&order.key).await.text("status") == "CANCELLED";
        wait::until(&format!("{}: to be cancelled", order.key), ORDER_LIMIT, cancelled).await;
    }
    assert_eq!(world.settled().await.cancelled, orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_order_is_not_started_again_by_another_request_with_its_key() {
    let world = patient().start().await;
    let orders = orders(&world, "reused");
    reach(&world, &orders).await;
    command(&world, &orders, &["terminate"]).await;
    world.process(Service::Orchestrator).kill().await;
    orders.iter().for_each(Order::release);
    world.process(Service::Orchestrator).start();
    world.process(Service::Orchestrator).wait_up().await;
    for order in &orders {
        let mut other = order.body();
        other["quantity"] = 2.into();
        let refused = last_answer(&world, &order.key, &other).await;
        assert_eq!(refused.brief(), (422, "IDEMPOTENCY_KEY_REUSED"), "{}", order.key);
    }
    settled_as_meant(&world, &orders).await;
    println!("{} cases", orders.len());
}
