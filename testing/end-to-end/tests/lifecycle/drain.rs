//! SIGTERM while orders come in.

use std::time::{Duration, Instant};

use end_to_end::{Service, World};
use harness::wait;

use crate::health::probe;
use crate::load::{Attempt, Fault, Load, assert_kept, stock_up};

/// How long a draining process goes on taking connections.
const LAME_DUCK: Duration = Duration::from_secs(3);
/// The stop grace; past it Swarm kills.
const GRACE: Duration = Duration::from_secs(40);
/// The last ones wait when the listener closes: 12 s are more than the lame duck, the finish and the drain together
/// take where nothing waits.
const CLIENTS: [&str; 8] = ["CARD", "CARD", "CARD", "CARD", "CARD", "CARD_SLOW", "CARD_SLOW", "CARD_APPROVED_AFTER_6S"];

/// No client saw anything but answers below 500, and refused connections once the listener was closed.
fn assert_unseen(attempts: &[Attempt], signalled: Instant) {
    for attempt in attempts {
        match &attempt.result {
            Ok(answer) => assert!(matches!(answer.status, 200 | 202), "{attempt:?}"),
            Err(Fault::Refused) => {
                let after = attempt.ended.checked_duration_since(signalled).unwrap_or_default();
                assert!(after >= LAME_DUCK, "refused {after:?} after the signal: {attempt:?}");
            }
            Err(Fault::Broken(_)) => panic!("{:?} after the signal: {attempt:?}", attempt.begun - signalled),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_drains_under_load_shows_it_to_no_client_and_loses_no_order() {
    let world = World::start().await;
    stock_up(&world).await;
    let process = world.process(Service::Orchestrator);
    let load = Load::start(&world, &CLIENTS);
    load.go_on_for(20).await;

    let signalled = Instant::now();
    process.begin_terminate();
    wait::until("readiness to go off", LAME_DUCK, async || probe(process, "readiness").await == Some(false)).await;
    let seen_draining = Instant::now();
    let code = process.wait_exit(GRACE).await;
    let took = signalled.elapsed();
    assert!(code == 0 && took < GRACE && took >= LAME_DUCK, "exit code {code} after {took:?}\n{}", process.log());
    let attempts = load.stop().await;

    assert_unseen(&attempts, signalled);
    let answers: Vec<_> = attempts.iter().filter_map(|a| Some((a, a.result.as_ref().ok()?))).collect();
    let late: Vec<_> = answers.iter().filter(|(attempt, _)| attempt.begun > seen_draining).collect();
    assert!(!late.is_empty(), "connections are taken while it drains");
    for (attempt, answer) in &answers {
        assert!(answer.closes || attempt.ended < seen_draining, "a draining process says so: {attempt:?}");
        assert!(answer.status != 202 || answer.has_location, "{attempt:?}");
    }
    let cut: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 202).collect();
    assert!(!cut.is_empty(), "clients that wait are answered 202");
    assert!(cut.iter().all(|(attempt, _)| attempt.ended - signalled >= LAME_DUCK));

    process.start();
    process.wait_up().await;
    let report = world.settled().await;
    assert_eq!(report.cancelled, 0);
    assert_kept(&world, &attempts).await;
}

/// The service drains, ends and is started again while orders come in.
async fn a_service_drains(service: Service) {
    let world = World::start().await;
    stock_up(&world).await;
    let process = world.process(service);
    let load = Load::start(&world, &CLIENTS);
    load.go_on_for(20).await;

    let signalled = Instant::now();
    process.begin_terminate();
    wait::until("readiness to go off", LAME_DUCK, async || probe(process, "readiness").await == Some(false)).await;
    let code = process.wait_exit(GRACE).await;
    let took = signalled.elapsed();
    assert!(code == 0 && took < GRACE && took >= LAME_DUCK, "exit code {code} after {took:?}\n{}", process.log());
    process.start();
    process.wait_up().await;
    load.go_on_for(20).await;
    let attempts = load.stop().await;

    for attempt in &attempts {
        let answer = attempt.result.as_ref().unwrap_or_else(|_| panic!("{attempt:?}"));
        assert!(matches!(answer.status, 200 | 202), "{attempt:?}");
    }
    let report = world.settled().await;
    assert_eq!(report.cancelled, 0);
    assert_kept(&world, &attempts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_order_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_inventory_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Inventory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_payment_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Payment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_never_started_for_good_ends_on_sigterm_too() {
    let nowhere = harness::free_port();
    let mut builder =
        World::builder().env(Service::Orchestrator, "TEMPORAL_SERVICE_URL", format!("127.0.0.1:{nowhere}"));
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        builder = builder.env(service, "SPRING_DATASOURCE_URL", format!("mysql://127.0.0.1:{nowhere}/x"));
    }
    let world = builder.wire().await;
    for service in Service::ALL {
        world.process(service).start();
        world.process(service).wait_ok("/actuator/health/liveness", Duration::from_secs(30)).await;
        world.process(service).begin_terminate();
    }
    for service in Service::ALL {
        assert_eq!(world.process(service).wait_exit(GRACE).await, 0, "{service:?}");
    }
}
