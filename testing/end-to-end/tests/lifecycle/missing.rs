//! A dependency that is not there: at the start, or later.

use end_to_end::{Service, World};
use harness::proxy::Mode;

use crate::health::{assert_json_log, pids_of, recovered, start_all, told};
use crate::servers::{Dependency, Proxies, Servers};

/// Starts the four programs without these, gives them back, and looks at what the programs say and do.
async fn starts_without(missing: &[Dependency]) {
    let servers = Servers::start().await;
    servers.stop(missing).await;
    let world = World::builder().servers(servers.addresses()).wire().await;
    let pids = start_all(&world);
    told(&world, missing, false).await;
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
