//! A dependency is unavailable at the start, or later.

use std::time::Duration;

use end_to_end::{Dependency, Service, TestSystem, order};
use harness::proxy::Mode;
use harness::servers::shared;
use harness::wait;

use crate::health::{assert_json_log, assert_recovered, health_page, pids_of, probe, start_all, wait_for_health};
use crate::servers::{Proxies, Servers};

/// The time limit for events that need no action. It is long because the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts the four programs without these dependencies, starts the dependencies later, and checks the health of the
/// programs.
async fn start_without(unavailable: &[Dependency]) {
    let servers = Servers::start().await;
    servers.stop(unavailable).await;
    let system = TestSystem::builder().servers(servers.addresses()).build().await;
    let pids = start_all(&system);
    wait_for_health(&system, unavailable, false).await;
    if unavailable == [Dependency::Redis] {
        assert_eq!(system.place("without-redis", &order()).await.status_and_code(), (200, "CONFIRMED"));
    }
    if unavailable == [Dependency::Temporal] {
        let reply = system.try_place("too-early", &order()).await.expect("the orders API answers");
        assert_eq!((reply.status_and_code(), &reply.json["success"]), ((503, "STARTING"), &false.into()));
    }
    servers.start_again(unavailable).await;
    assert_recovered(&system, &pids, "after-the-return").await;
    for service in Service::ALL {
        assert_json_log(system.process(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_without_its_database_and_is_up_when_the_database_returns() {
    start_without(&[Dependency::Database]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_ready_without_redis_and_is_up_when_redis_returns() {
    start_without(&[Dependency::Redis]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_orchestrator_starts_without_temporal_and_is_up_when_temporal_returns() {
    start_without(&[Dependency::Temporal]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_programs_start_without_dependencies_and_are_up_when_all_return() {
    start_without(&Dependency::ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_hangs_at_the_start_counts_as_unavailable() {
    let servers = Servers::start().await;
    for unavailable in Dependency::ALL.map(|one| vec![one]).into_iter().chain([Dependency::ALL.to_vec()]) {
        let proxies = Proxies::in_front_of(&servers).await;
        proxies.set_mode(&unavailable, Mode::Hang);
        let system = TestSystem::builder().servers(proxies.addresses(&servers)).build().await;
        let pids = start_all(&system);
        wait_for_health(&system, &unavailable, false).await;
        proxies.set_mode(&unavailable, Mode::Pass);
        assert_recovered(&system, &pids, "after-the-answer").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_stops_later_is_down_in_health_and_the_process_stays_ready() {
    let servers = Servers::start().await;
    let system = TestSystem::builder().servers(servers.addresses()).start().await;
    let pids = pids_of(&system);
    let all = Dependency::ALL.to_vec();
    for (number, unavailable) in Dependency::ALL.map(|one| vec![one]).into_iter().chain([all]).enumerate() {
        servers.stop(&unavailable).await;
        wait_for_health(&system, &unavailable, true).await;
        servers.start_again(&unavailable).await;
        assert_recovered(&system, &pids, &format!("after-stop-{number}")).await;
    }
    for service in Service::ALL {
        assert_json_log(system.process(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_hangs_later_is_down_in_health_and_the_process_stays_ready() {
    let servers = Servers::start().await;
    let proxies = Proxies::in_front_of(&servers).await;
    let system = TestSystem::builder().servers(proxies.addresses(&servers)).start().await;
    let pids = pids_of(&system);
    for (number, unavailable) in Dependency::ALL.map(|one| [one]).into_iter().enumerate() {
        proxies.set_mode(&unavailable, Mode::Hang);
        wait_for_health(&system, &unavailable, true).await;
        proxies.set_mode(&unavailable, Mode::Pass);
        assert_recovered(&system, &pids, &format!("after-hang-{number}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_namespace_counts_as_unavailable_until_it_is_created() {
    let namespace = harness::unique("namespace");
    let system = TestSystem::builder().env(Service::Orchestrator, "TEMPORAL_NAMESPACE", &namespace).build().await;
    start_all(&system);
    let process = system.process(Service::Orchestrator);
    wait::until("the log to name the namespace repeatedly", LIMIT, async || {
        process.log().lines().filter(|line| line.contains(&namespace)).count() > 2
    })
    .await;
    assert_eq!(health_page(process).await, Some((503, vec!["temporal".to_owned()])));
    assert_eq!(probe(process, "readiness").await, Some(false));

    let temporal = shared::temporal().await;
    temporal
        .command(&["operator", "namespace", "create", "--namespace", &namespace])
        .await
        .expect("the namespace is created");
    process.wait_up().await;
    // It takes some time until all parts of Temporal know a new namespace.
    wait::until("an order to be confirmed", LIMIT, async || {
        system.place("in-the-namespace", &order()).await.status == 200
    })
    .await;
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}
