//! A dependency that is not there: at the start, or later.

use std::time::Duration;

use end_to_end::{Service, World, order};
use harness::proxy::Mode;
use harness::servers::shared;
use harness::wait;

use crate::health::{assert_json_log, pids_of, probe, recovered, start_all, told, whole};
use crate::servers::{Dependency, Proxies, Servers};

/// For what comes by itself; long, since the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts the four programs without these, gives them back, and looks at what the programs say and do.
async fn starts_without(missing: &[Dependency]) {
    let servers = Servers::start().await;
    servers.stop(missing).await;
    let world = World::builder().servers(servers.addresses()).wire().await;
    let pids = start_all(&world);
    told(&world, missing, false).await;
    if missing == [Dependency::Redis] {
        assert_eq!(world.place("without-redis", &order()).await.brief(), (200, "CONFIRMED"));
    }
    if missing == [Dependency::Temporal] {
        let reply = world.try_place("too-early", &order()).await.expect("an answer");
        assert_eq!((reply.brief(), &reply.json["success"]), ((503, "STARTING"), &false.into()));
    }
    servers.start_again(missing).await;
    recovered(&world, &pids, "after-the-return").await;
    for service in Service::ALL {
        assert_json_log(world.process(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_service_starts_and_comes_up_when_it_returns() {
    starts_without(&[Dependency::Database]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_service_starts_and_is_ready_and_comes_up_when_it_returns() {
    starts_without(&[Dependency::Redis]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_temporal_the_orchestrator_starts_and_comes_up_when_it_returns() {
    starts_without(&[Dependency::Temporal]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anything_all_programs_start_and_come_up_when_all_returns() {
    starts_without(&Dependency::ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_accepts_connections_and_never_answers_counts_as_missing_at_the_start() {
    let servers = Servers::start().await;
    for missing in Dependency::ALL.map(|one| vec![one]).into_iter().chain([Dependency::ALL.to_vec()]) {
        let proxies = Proxies::before(&servers).await;
        proxies.set_mode(&missing, Mode::Hang);
        let world = World::builder().servers(proxies.addresses(&servers)).wire().await;
        let pids = start_all(&world);
        told(&world, &missing, false).await;
        proxies.set_mode(&missing, Mode::Pass);
        recovered(&world, &pids, "after-the-answer").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_later_shows_in_health_and_leaves_the_process_ready() {
    let servers = Servers::start().await;
    let world = World::builder().servers(servers.addresses()).start().await;
    let pids = pids_of(&world);
    let all = Dependency::ALL.to_vec();
    for (number, missing) in Dependency::ALL.map(|one| vec![one]).into_iter().chain([all]).enumerate() {
        servers.stop(&missing).await;
        told(&world, &missing, true).await;
        servers.start_again(&missing).await;
        recovered(&world, &pids, &format!("after-stop-{number}")).await;
    }
    for service in Service::ALL {
        assert_json_log(world.process(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_later_shows_in_health_and_leaves_the_process_ready() {
    let servers = Servers::start().await;
    let proxies = Proxies::before(&servers).await;
    let world = World::builder().servers(proxies.addresses(&servers)).start().await;
    let pids = pids_of(&world);
    for (number, missing) in Dependency::ALL.map(|one| [one]).into_iter().enumerate() {
        proxies.set_mode(&missing, Mode::Hang);
        told(&world, &missing, true).await;
        proxies.set_mode(&missing, Mode::Pass);
        recovered(&world, &pids, &format!("after-hang-{number}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_not_there_counts_as_missing_until_it_is_made() {
    let namespace = harness::unique("namespace");
    let world = World::builder().env(Service::Orchestrator, "TEMPORAL_NAMESPACE", &namespace).wire().await;
    start_all(&world);
    let process = world.process(Service::Orchestrator);
    wait::until("its log to name the namespace, more than once", LIMIT, async || {
        process.log().lines().filter(|line| line.contains(&namespace)).count() > 2
    })
    .await;
    assert_eq!(whole(process).await, Some((503, vec!["temporal".to_owned()])));
    assert_eq!(probe(process, "readiness").await, Some(false));

    let temporal = shared::temporal().await;
    temporal.command(&["operator", "namespace", "create", "--namespace", &namespace]).await.expect("it is made");
    process.wait_up().await;
    // The server itself takes a while until all its parts know a new namespace.
    wait::until("an order to be confirmed", LIMIT, async || {
        world.place("in-the-namespace", &order()).await.status == 200
    })
    .await;
    assert_eq!(world.settled().await.confirmed, 1);
}
