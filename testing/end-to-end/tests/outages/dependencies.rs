//! MySQL, Redis and Temporal are unavailable for 20 s under load. All orders must end, and all ledgers must agree.

use end_to_end::Dependency::{self, Database, Redis, Temporal};

use crate::outage::{Failure, Scenario, run_outage};

/// Runs one outage per dependency, each in its own system, all at the same time.
async fn each_alone(failure: Failure) {
    let outages = Dependency::ALL.map(|unavailable| async move { run_outage(&[unavailable], failure).await });
    futures::future::join_all(outages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_stopped_for_20_s_loses_nothing() {
    each_alone(Failure::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_killed_and_restarted_after_20_s_loses_nothing() {
    each_alone(Failure::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_cut_off_by_the_network_for_20_s_loses_nothing() {
    each_alone(Failure::CutOff).await;
}

/// Runs one outage per pair of dependencies, each in its own system, all at the same time.
async fn each_pair(failures: [Failure; 3]) {
    let pairs = [[Database, Redis], [Database, Temporal], [Redis, Temporal]];
    let outages = pairs
        .into_iter()
        .zip(failures)
        .map(|(unavailable, failure)| async move { run_outage(&unavailable, failure).await });
    futures::future::join_all(outages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dependencies_stopped_for_20_s_lose_nothing() {
    each_pair([Failure::Stopped; 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dependencies_killed_and_restarted_after_20_s_lose_nothing() {
    each_pair([Failure::Killed; 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dependencies_cut_off_by_the_network_for_20_s_lose_nothing() {
    each_pair([Failure::CutOff, Failure::CutOff, Failure::CutOffAndReset]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed_repeatedly_under_load_loses_nothing() {
    let scenario = Scenario::start().await;
    for _ in 0..5 {
        scenario.servers.flush_redis().await;
        scenario.wait_for_orders(5).await;
    }
    scenario.finish("Redis flushed 5 times").await;
}
