//! Connections that the network loses silently: neither side is notified.

use std::time::Duration;

use end_to_end::Dependency::{Database, Redis, Temporal};
use end_to_end::{Dependency, Service, TestSystem};
use harness::wait;

use crate::outage::Scenario;

/// The time limit for replacing a lost connection. The connection to Temporal is checked every 12 s.
const LIMIT: Duration = Duration::from_secs(30);

async fn lose_connections_under_load(dependency: Dependency) {
    let scenario = Scenario::start().await;
    // The loss is repeated so that some connections are lost during a transaction, whose row locks must be released.
    for _ in 0..4 {
        scenario.servers.lose_connections(dependency).await;
        scenario.wait_for_orders(5).await;
    }
    scenario.wait_for_health(&[], LIMIT).await;
    scenario.finish(&format!("{dependency:?}: connections lost silently")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silently_lost_connections_are_replaced() {
    tokio::join!(
        lose_connections_under_load(Database),
        lose_connections_under_load(Redis),
        lose_connections_under_load(Temporal)
    );
}

/// The time limit of a read. It is shorter than the 20 s after which the database closes a silent connection.
const READ_LIMIT: Duration = Duration::from_secs(15);
const PAGES: [(Service, &str); 3] = [
    (Service::Order, "/api/orders/by-saga/order-unknown-order"),
    (Service::Inventory, "/api/inventory/products/1"),
    (Service::Payment, "/api/payments/by-saga/order-unknown-order"),
];

/// Sends more reads at the same time than a pool has connections. Returns the status of each answer.
async fn read_in_parallel(system: &TestSystem) -> Vec<u16> {
    let readers = PAGES.iter().flat_map(|page| std::iter::repeat_n(page, 20)).map(|(service, page)| async move {
        let url = format!("{}{page}", system.process(*service).url());
        tokio::time::timeout(READ_LIMIT, system.get(&url)).await.expect("every read is answered in time").status
    });
    futures::future::join_all(readers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_on_lost_connections_are_answered_and_do_not_block_later_reads() {
    let scenario = Scenario::start().await;
    // These reads fill the connection pools.
    read_in_parallel(&scenario.system).await;
    scenario.servers.lose_connections(Database).await;
    let answers = read_in_parallel(&scenario.system).await;
    assert!(answers.iter().all(|status| [200, 404, 503].contains(status)), "{answers:?}");
    for (service, page) in PAGES {
        let process = scenario.system.process(service);
        wait::until("reads to succeed again", LIMIT, async || {
            process.get(page).await.is_some_and(|(status, _)| status != 503)
        })
        .await;
    }
    scenario.finish("60 reads on lost connections").await;
}
