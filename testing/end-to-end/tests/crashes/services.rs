//! Services are killed during steps, with a few dozen orders in progress.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use end_to_end::steps::{ORDER_LIMIT, Outcome, cancel_order, final_answer, start_order};
use end_to_end::{Service, TestSystem};
use futures::future::{Either, join_all, select};
use futures::{StreamExt, stream};
use harness::faults::{Call, HttpProxy};

use crate::database::Database;
use crate::points::with_long_deadline;

/// Each service is killed at most this many times.
const MAX_KILLS: usize = 4;
const ORDERS: usize = 48;
const CONCURRENT_ORDERS: usize = 12;

/// Runs one order and checks its outcome. A third of the orders are paid, a third declined and a third cancelled.
async fn run_order(system: &TestSystem, database: &Database, number: usize) {
    let key = format!("dozens-{number}");
    let outcome = [Outcome::Confirmed, Outcome::Declined, Outcome::Cancelled][number % 3];
    if outcome == Outcome::Cancelled {
        start_order(system, &key, &outcome.order()).await;
        database.wait_for_payment_status(&system.saga(&key), "APPROVING").await;
        assert!(matches!(cancel_order(system, &key).await.status, 200 | 202), "DELETE of {key}");
    }
    assert_eq!(
        final_answer(system, &key, &outcome.order()).await.status_and_code(),
        outcome.expected_answer(),
        "{key}"
    );
}

/// Kills a service repeatedly, each time as soon as a call is sent to it.
async fn kill_repeatedly(system: &TestSystem, service: Service, proxy: &HttpProxy, kills: &AtomicUsize) {
    let mut seen = 0;
    for _ in 0..MAX_KILLS {
        let is_new = |call: &Call| call.number >= seen && call.effects.is_empty();
        proxy.wait_for("a call without a reply", ORDER_LIMIT, is_new).await;
        system.process(service).kill().await;
        kills.fetch_add(1, Ordering::Relaxed);
        seen = proxy.calls().len();
        system.process(service).start();
        system.process(service).wait_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_killed_during_steps_lose_and_double_nothing() {
    let system = with_long_deadline().start().await;
    let database = Database::of(&system).await;
    let services = [
        (Service::Order, &system.to_order),
        (Service::Inventory, &system.to_inventory),
        (Service::Payment, &system.to_payment),
    ];
    let kills = AtomicUsize::new(0);
    let killing = join_all(services.map(|(service, proxy)| kill_repeatedly(&system, service, proxy, &kills)));
    let orders =
        stream::iter(0..ORDERS).for_each_concurrent(CONCURRENT_ORDERS, |number| run_order(&system, &database, number));
    // The kills stop when all orders have ended.
    match select(pin!(orders), pin!(killing)).await {
        Either::Left(_) => {}
        Either::Right((_, orders)) => orders.await,
    }
    for (service, _) in services {
        if !system.process(service).is_running() {
            system.process(service).start();
        }
        system.process(service).wait_up().await;
    }
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (ORDERS / 3, ORDERS / 3 * 2), "{report}");
    let kills = kills.into_inner();
    assert!(kills >= services.len(), "{kills} kills");
    println!("{ORDERS} orders, {kills} kills");
}
