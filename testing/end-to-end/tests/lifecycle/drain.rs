//! SIGTERM while orders come in.

use std::time::{Duration, Instant};

use end_to_end::{Service, World};
use harness::wait;
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::health::probe;
use crate::load::{Attempt, Fault, Load, assert_kept, stock_up};

/// How long a draining process goes on taking connections.
const LAME_DUCK: Duration = Duration::from_secs(3);
/// The stop grace; past it Swarm kills.
const GRACE: Duration = Duration::from_secs(40);
/// The last one always waits for longer than a draining process lets it.
const CLIENTS: [&str; 5] = ["CARD", "CARD", "CARD", "CARD_SLOW", "CARD_APPROVED_AFTER_6S"];

/// A world in which orders take as long as they take: on a busy machine that can be minutes.
async fn patient_world() -> World {
    let world = World::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 120_000)
        .start()
        .await;
    stock_up(&world).await;
    world
}

/// No client saw anything but answers below 500, and refused connections once the listener was closed.
fn assert_unseen(attempts: &[Attempt], signalled: Instant) {
    for attempt in attempts {
        match &attempt.result {
            Ok(_) => assert!(attempt.is_fine(), "{attempt:?}"),
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
    let world = patient_world().await;
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
        // Whether to close is decided a moment before the client has the answer.
        let before = attempt.begun < seen_draining && attempt.ended < seen_draining + Duration::from_secs(1);
        assert!(answer.closes || before, "a draining process says so: {attempt:?}");
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

/// Reads this page of a process on new connections, one after the other, until nobody listens; what came of each.
async fn read_until_refused(url: String) -> Vec<(Instant, Result<u16, Fault>)> {
    let http = Client::builder().timeout(GRACE).pool_max_idle_per_host(0).no_proxy().build().expect("an HTTP client");
    let mut seen = Vec::new();
    loop {
        let read = http.get(&url).send().await.map(|response| response.status().as_u16());
        let read = read.map_err(|error| Fault::of(&error));
        let refused = read == Err(Fault::Refused);
        seen.push((Instant::now(), read));
        if refused {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The service drains, ends and is started again while orders come in and its own pages are read.
async fn a_service_drains(service: Service, page: &str) {
    let world = patient_world().await;
    let process = world.process(service);
    let load = Load::start(&world, &CLIENTS);
    let readers = (0..3).map(|_| tokio::spawn(read_until_refused(format!("{}{page}", process.url()))));
    let readers: Vec<_> = readers.collect();
    load.go_on_for(20).await;

    let signalled = Instant::now();
    process.begin_terminate();
    wait::until("readiness to go off", LAME_DUCK, async || probe(process, "readiness").await == Some(false)).await;
    let code = process.wait_exit(GRACE).await;
    let took = signalled.elapsed();
    assert!(code == 0 && took < GRACE && took >= LAME_DUCK, "exit code {code} after {took:?}\n{}", process.log());
    for reader in readers {
        for (ended, read) in reader.await.expect("a reader does not panic") {
            let after = ended.checked_duration_since(signalled).unwrap_or_default();
            assert!(read == Ok(200) || read == Err(Fault::Refused) && after >= LAME_DUCK, "{read:?} after {after:?}");
        }
    }
    process.start();
    process.wait_up().await;
    load.go_on_for(20).await;
    let attempts = load.stop().await;

    for attempt in &attempts {
        assert!(attempt.is_fine(), "{attempt:?}");
    }
    let report = world.settled().await;
    assert_eq!(report.cancelled, 0);
    assert_kept(&world, &attempts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_order_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Order, "/api/orders/unfinished").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_inventory_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Inventory, "/api/inventory/products").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_payment_drains_under_load_and_every_order_is_confirmed() {
    a_service_drains(Service::Payment, "/api/payments/unfinished").await;
}

/// Connects, sends its request only a while later, and reads the answer. `None` if nobody listens.
async fn late_request(port: u16) -> Option<std::io::Result<String>> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    // A slow network: the request is not there when the connection is taken.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = async {
        connection.write_all(b"GET /actuator/health/liveness HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    Some(answer.await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_that_is_taken_is_answered_up_to_the_moment_when_the_listener_closes() {
    let world = World::builder().wire().await;
    for service in Service::ALL {
        let process = world.process(service);
        process.start();
        process.wait_ok("/actuator/health/liveness", GRACE).await;
        process.begin_terminate();
        wait::until("it to drain", LAME_DUCK, async || process.log().contains("draining")).await;
        let mut clients = tokio::task::JoinSet::new();
        while process.is_running() {
            clients.spawn(late_request(process.port()));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(process.wait_exit(GRACE).await, 0);
        let results = clients.join_all().await;
        let answers: Vec<_> = results.iter().flatten().collect();
        assert!(answers.len() > 20 && answers.len() < results.len(), "{} of {}", answers.len(), results.len());
        for answer in answers {
            let answer = answer.as_ref().unwrap_or_else(|error| panic!("{service:?}: {error}"));
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer:?}");
        }
    }
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
