//! Connections that the network has swallowed: nobody says that they are gone.

use std::time::Duration;

use end_to_end::Dependency::{Database, Redis, Temporal};
use end_to_end::{Dependency, Service, World};
use harness::wait;

use crate::outage::Stage;

/// For a silent connection to be given up. Temporal's is asked every 12 s whether it is still there.
const LIMIT: Duration = Duration::from_secs(30);

async fn lost(dependency: Dependency) {
    let stage = Stage::set().await;
    // Again and again: some of them in the middle of a transaction, which must let go of its rows.
    for _ in 0..4 {
        stage.site.lose_connections(dependency).await;
        stage.orders_end(5).await;
    }
    stage.told(&[], LIMIT).await;
    stage.settled(&format!("{dependency:?}: connections lost without a word")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_lost_without_a_word_are_given_up_and_made_anew() {
    tokio::join!(lost(Database), lost(Redis), lost(Temporal));
}

/// For a read: shorter than the 20 s after which the server hangs up by itself.
const READ_LIMIT: Duration = Duration::from_secs(15);
const PAGES: [(Service, &str); 3] = [
    (Service::Order, "/api/orders/by-saga/order-nobody-knows"),
    (Service::Inventory, "/api/inventory/products/1"),
    (Service::Payment, "/api/payments/by-saga/order-nobody-knows"),
];

/// More readers at once than a pool has connections; the status that each is answered with.
async fn read(world: &World) -> Vec<u16> {
    let readers = PAGES.iter().flat_map(|page| std::iter::repeat_n(page, 20)).map(|(service, page)| async move {
        let url = format!("{}{page}", world.process(*service).url());
        tokio::time::timeout(READ_LIMIT, world.get(&url)).await.expect("an answer").status
    });
    futures::future::join_all(readers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_wait_on_lost_connections_are_answered_and_block_nobody() {
    let stage = Stage::set().await;
    // Fills the pools.
    read(&stage.world).await;
    stage.site.lose_connections(Database).await;
    let answers = read(&stage.world).await;
    assert!(answers.iter().all(|status| [200, 404, 503].contains(status)), "{answers:?}");
    for (service, page) in PAGES {
        let process = stage.world.process(service);
        wait::until("readers to be served again", LIMIT, async || {
            process.get(page).await.is_some_and(|(status, _)| status != 503)
        })
        .await;
    }
    stage.settled("60 readers on lost connections").await;
}
