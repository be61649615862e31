//! The worker dies, or stands still, at every point of an order; it is started again, or another takes over.

use end_to_end::steps::{Ending, ORDER_LIMIT};
use end_to_end::{ServerAddresses, Service, World};
use futures::future::join_all;
use harness::proxy::{Mode, TcpProxy};
use harness::servers::shared;
use harness::wait;

use crate::points::{Order, Side, books, crash, orders, patient, points, reach, settled_as_meant};

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_before_or_after_any_steps_effect_the_worker_brings_the_order_to_its_end() {
    let world = patient().start().await;
    let orders = orders(&world, "kill");
    for order in &orders {
        let body = order.body();
        let killed = async {
            order.arrive(&world).await;
            world.process(Service::Orchestrator).kill().await;
            order.release();
        };
        // What the client was told before the kill, if anything, is kept for the checker.
        futures::join!(world.try_place(&order.key, &body), killed);
        world.process(Service::Orchestrator).start();
        world.process(Service::Orchestrator).wait_up().await;
    }
    settled_as_meant(&world, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_steps_wait_as_regular_activities_the_worker_brings_every_order_to_its_end() {
    let world = patient().start().await;
    let orders = orders(&world, "wait");
    reach(&world, &orders).await;
    join_all(orders.iter().map(Order::is_handed_over)).await;
    clear_rules(&world);
    crash(&world).await;
    settled_as_meant(&world, &orders).await;

    let before = books(&world).await;
    let held: Vec<_> = orders.iter().map(|order| (order, order.calls(&world))).collect();
    orders.iter().for_each(Order::release);
    for (order, held) in held {
        let landed = async || order.calls(&world)[..held.len()].iter().all(|call| call.ended || call.fault.is_none());
        wait::until(&format!("{}: the dead worker's calls to land", order.key), ORDER_LIMIT, landed).await;
    }
    assert_eq!(before, books(&world).await, "a dead worker's calls changed something");
    world.settled().await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_or_after_its_workflow_task_completes_the_worker_brings_the_order_to_its_end() {
    let (database, redis, temporal) = (shared::database().await, shared::redis().await, shared::temporal().await);
    let to_temporal = TcpProxy::start(temporal.address()).await;
    let servers = ServerAddresses {
        mysql: database.address(),
        redis_port: redis.port(),
        temporal: to_temporal.address(),
        books: database.url(),
    };
    let world = patient().servers(servers).start().await;
    // The last calls of an order before its workflow task, the only one, completes.
    let is_last = |step: &str| ["stock.confirm", "order.cancel", "stock.release"].contains(&step);
    let last: Vec<_> =
        points().into_iter().filter(|point| is_last(point.step.name) && point.side == Side::After).collect();
    let mut orders = Vec::new();
    for completion in ["lost", "late", "in-time"] {
        let round: Vec<_> = last.iter().map(|point| point.order(&world, completion)).collect();
        reach(&world, &round).await;
        if completion == "in-time" {
            round.iter().for_each(Order::release);
            join_all(round.iter().map(|order| has_ended(&world, order))).await;
        } else {
            to_temporal.set_mode(Mode::Hang);
            round.iter().for_each(Order::release);
            join_all(round.iter().map(|order| answered(&world, order))).await;
        }
        world.process(Service::Orchestrator).kill().await;
        if completion == "lost" {
            to_temporal.cut();
            wait::until("the cut connections to be gone", ORDER_LIMIT, async || to_temporal.open_connections() == 0)
                .await;
        }
        to_temporal.set_mode(Mode::Pass);
        world.process(Service::Orchestrator).start();
        world.process(Service::Orchestrator).wait_up().await;
        orders.extend(round);
    }
    settled_as_meant(&world, &orders).await;
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_while_another_took_over_does_no_harm() {
    let world = patient().start().await;
    let second = world.another_orchestrator();
    let mut all = orders(&world, "durable");
    reach(&world, &all).await;
    join_all(all.iter().map(Order::is_handed_over)).await;
    let quick = orders(&world, "quick");
    reach(&world, &quick).await;
    all.extend(quick);

    let first = world.process(Service::Orchestrator);
    first.pause().await;
    // What is held stays held, so that the second worker passes and the first one's calls come late.
    clear_rules(&world);
    second.start();
    second.wait_up().await;
    world.settled().await;

    let before = books(&world).await;
    let calls = count_calls(&world);
    all.iter().for_each(Order::release);
    first.resume();
    // It drains: whatever it believes is still to be done is done before it ends.
    assert_eq!(first.terminate().await, 0);
    println!("{} calls of the worker that had stood still", count_calls(&world) - calls);
    assert_eq!(before, books(&world).await, "the worker that had stood still changed something");
    assert_eq!(second.terminate().await, 0);
    first.start();
    first.wait_up().await;
    settled_as_meant(&world, &all).await;
    println!("{} cases", all.len());
}

fn clear_rules(world: &World) {
    for proxy in [&world.to_order, &world.to_inventory, &world.to_payment] {
        proxy.clear_rules();
    }
}

fn count_calls(world: &World) -> usize {
    [&world.to_order, &world.to_inventory, &world.to_payment].iter().map(|proxy| proxy.calls().len()).sum()
}

/// Waits until the worker has the answers that were held.
async fn answered(world: &World, order: &Order) {
    let all = async || order.calls(world).iter().all(|call| call.ended);
    wait::until(&format!("{}: its answers to be delivered", order.key), ORDER_LIMIT, all).await;
}

/// Waits until the workflow has completed.
async fn has_ended(world: &World, order: &Order) {
    let status = if order.point.step.ending == Ending::Confirmed { "CONFIRMED" } else { "CANCELLED" };
    let ended = async || world.follow(&order.key).await.text("status") == status;
    wait::until(&format!("{}: {status}", order.key), ORDER_LIMIT, ended).await;
}
