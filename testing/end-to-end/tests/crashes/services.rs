//! Services die in the middle of steps, under a few dozen orders.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use end_to_end::steps::{Ending, ORDER_LIMIT, begin, cancel, last_answer};
use end_to_end::{Service, World};
use futures::future::{Either, join_all, select};
use futures::{StreamExt, stream};
use harness::faults::{Call, HttpProxy};

use crate::database::Database;
use crate::points::patient;

/// How often each service is killed, at the most.
const KILLS: usize = 4;
/// Orders in all, and in flight at once.
const ORDERS: usize = 48;
const AT_ONCE: usize = 12;

/// One order with its end: a third of them each is paid, declined and cancelled.
async fn run(world: &World, database: &Database, number: usize) {
    let key = format!("dozens-{number}");
    let ending = [Ending::Confirmed, Ending::Declined, Ending::Cancelled][number % 3];
    if ending == Ending::Cancelled {
        begin(world, &key, &ending.body()).await;
        database.payment_is(&world.saga(&key), "APPROVING").await;
        assert!(matches!(cancel(world, &key).await.status, 200 | 202), "{key}: DELETE");
    }
    assert_eq!(last_answer(world, &key, &ending.body()).await.brief(), ending.answer(), "{key}");
}

/// Kills a service again and again, each time as soon as a call is on its way to it.
async fn kill_again_and_again(world: &World, service: Service, proxy: &HttpProxy, kills: &AtomicUsize) {
    let mut seen = 0;
    for _ in 0..KILLS {
        let on_its_way = |call: &Call| call.number >= seen && call.effects.is_empty();
        proxy.wait_for("a call on its way", ORDER_LIMIT, on_its_way).await;
        world.process(service).kill().await;
        kills.fetch_add(1, Ordering::Relaxed);
        seen = proxy.calls().len();
        world.process(service).start();
        world.process(service).wait_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_killed_in_the_middle_of_steps_lose_and_double_nothing() {
    let world = patient().start().await;
    let database = Database::of(&world).await;
    let services = [
        (Service::Order, &world.to_order),
        (Service::Inventory, &world.to_inventory),
        (Service::Payment, &world.to_payment),
    ];
    let kills = AtomicUsize::new(0);
    let killing = join_all(services.map(|(service, proxy)| kill_again_and_again(&world, service, proxy, &kills)));
    let orders = stream::iter(0..ORDERS).for_each_concurrent(AT_ONCE, |number| run(&world, &database, number));
    // If the orders are at their end first, there is nothing left to disturb.
    match select(pin!(orders), pin!(killing)).await {
        Either::Left(_) => {}
        Either::Right((_, orders)) => orders.await,
    }
    for (service, _) in services {
        if !world.process(service).is_running() {
            world.process(service).start();
        }
        world.process(service).wait_up().await;
    }
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (ORDERS / 3, ORDERS / 3 * 2), "{report}");
    let kills = kills.into_inner();
    assert!(kills >= services.len(), "{kills} kills");
    println!("{ORDERS} orders, {kills} kills");
}
