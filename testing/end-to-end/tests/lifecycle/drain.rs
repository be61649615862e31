//! SIGTERM while clients place orders.

use std::time::{Duration, Instant};

use end_to_end::{Service, TestSystem};
use harness::wait;
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::health::probe;
use crate::load::{Attempt, ConnectionError, Load, add_product, assert_accepted_orders_confirmed};

/// A draining process accepts connections for this long.
const STILL_ACCEPTING: Duration = Duration::from_secs(3);
/// The stop grace period. After it, Swarm kills the process.
const STOP_GRACE: Duration = Duration::from_secs(40);
/// The payment methods of the clients. The last one always takes longer than a draining process waits.
const METHODS: [&str; 5] = ["CARD", "CARD", "CARD", "CARD_SLOW", "CARD_APPROVED_AFTER_6S"];

/// A system with long limits, because an order can take minutes on a busy machine.
async fn system_with_long_limits() -> TestSystem {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 120_000)
        .start()
        .await;
    add_product(&system).await;
    system
}

/// Panics unless each request was accepted, or its connection was refused after the listener had closed.
fn assert_unnoticed_by_clients(attempts: &[Attempt], signalled: Instant) {
    for attempt in attempts {
        match &attempt.result {
            Ok(_) => assert!(attempt.is_accepted(), "{attempt:?}"),
            Err(ConnectionError::Refused) => {
                let after = attempt.ended.checked_duration_since(signalled).unwrap_or_default();
                assert!(after >= STILL_ACCEPTING, "refused {after:?} after the signal: {attempt:?}");
            }
            Err(ConnectionError::Broken(_)) => {
                panic!("{:?} after the signal: {attempt:?}", attempt.started - signalled)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_drains_under_load_breaks_no_connection_and_loses_no_order() {
    let system = system_with_long_limits().await;
    let process = system.process(Service::Orchestrator);
    let load = Load::start(&system, &METHODS);
    load.wait_for_answers(20).await;

    let signalled = Instant::now();
    process.begin_terminate();
    wait::until("the process to stop being ready", STILL_ACCEPTING, async || {
        probe(process, "readiness").await == Some(false)
    })
    .await;
    let seen_draining = Instant::now();
    let code = process.wait_exit(STOP_GRACE).await;
    let took = signalled.elapsed();
    assert!(
        code == 0 && took < STOP_GRACE && took >= STILL_ACCEPTING,
        "exit code {code} after {took:?}\n{}",
        process.log()
    );
    let attempts = load.stop().await;

    assert_unnoticed_by_clients(&attempts, signalled);
    let answers: Vec<_> = attempts.iter().filter_map(|a| Some((a, a.result.as_ref().ok()?))).collect();
    let late: Vec<_> = answers.iter().filter(|(attempt, _)| attempt.started > seen_draining).collect();
    assert!(!late.is_empty(), "no connection was accepted while the process drained");
    for (attempt, answer) in &answers {
        // The client receives the answer a moment after the process has decided whether to close the connection.
        let before = attempt.started < seen_draining && attempt.ended < seen_draining + Duration::from_secs(1);
        assert!(answer.closes || before, "the draining process kept the connection: {attempt:?}");
        assert!(answer.status != 202 || answer.has_location, "{attempt:?}");
    }
    let unfinished: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 202).collect();
    assert!(!unfinished.is_empty(), "no waiting client was answered 202");
    assert!(unfinished.iter().all(|(attempt, _)| attempt.ended - signalled >= STILL_ACCEPTING));

    process.start();
    process.wait_up().await;
    let report = system.wait_until_finished().await;
    assert_eq!(report.cancelled, 0);
    assert_accepted_orders_confirmed(&system, &attempts).await;
}

/// Reads this page repeatedly, each time on a new connection, until the connection is refused. Returns all results.
async fn read_until_refused(url: String) -> Vec<(Instant, Result<u16, ConnectionError>)> {
    let http = Client::builder()
        .timeout(STOP_GRACE)
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
        .expect("an HTTP client can be made");
    let mut seen = Vec::new();
    loop {
        let read = http.get(&url).send().await.map(|response| response.status().as_u16());
        let read = read.map_err(|error| ConnectionError::of(&error));
        let refused = read == Err(ConnectionError::Refused);
        seen.push((Instant::now(), read));
        if refused {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Drains and restarts the service while clients place orders and read a page of the service.
async fn drain_under_load(service: Service, page: &str) {
    let system = system_with_long_limits().await;
    let process = system.process(service);
    let load = Load::start(&system, &METHODS);
    let readers = (0..3).map(|_| tokio::spawn(read_until_refused(format!("{}{page}", process.url()))));
    let readers: Vec<_> = readers.collect();
    load.wait_for_answers(20).await;

    let signalled = Instant::now();
    process.begin_terminate();
    wait::until("the process to stop being ready", STILL_ACCEPTING, async || {
        probe(process, "readiness").await == Some(false)
    })
    .await;
    let code = process.wait_exit(STOP_GRACE).await;
    let took = signalled.elapsed();
    assert!(
        code == 0 && took < STOP_GRACE && took >= STILL_ACCEPTING,
        "exit code {code} after {took:?}\n{}",
        process.log()
    );
    for reader in readers {
        for (ended, read) in reader.await.expect("a reader does not panic") {
            let after = ended.checked_duration_since(signalled).unwrap_or_default();
            assert!(
                read == Ok(200) || read == Err(ConnectionError::Refused) && after >= STILL_ACCEPTING,
                "{read:?} after {after:?}"
            );
        }
    }
    process.start();
    process.wait_up().await;
    load.wait_for_answers(20).await;
    let attempts = load.stop().await;

    for attempt in &attempts {
        assert!(attempt.is_accepted(), "{attempt:?}");
    }
    let report = system.wait_until_finished().await;
    assert_eq!(report.cancelled, 0);
    assert_accepted_orders_confirmed(&system, &attempts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_order_drains_under_load_and_every_order_is_confirmed() {
    drain_under_load(Service::Order, "/api/orders/unfinished").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_inventory_drains_under_load_and_every_order_is_confirmed() {
    drain_under_load(Service::Inventory, "/api/inventory/products").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_payment_drains_under_load_and_every_order_is_confirmed() {
    drain_under_load(Service::Payment, "/api/payments/unfinished").await;
}

/// Connects, sends the request a moment later, and reads the answer. `None` if the connection is refused.
async fn late_request(port: u16) -> Option<std::io::Result<String>> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    // On a slow network, the request arrives after the connection is accepted.
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
async fn every_accepted_connection_is_answered_until_the_listener_closes() {
    let system = TestSystem::builder().build().await;
    for service in Service::ALL {
        let process = system.process(service);
        process.start();
        process.wait_ok("/actuator/health/liveness", STOP_GRACE).await;
        process.begin_terminate();
        wait::until("the process to drain", STILL_ACCEPTING, async || process.log().contains("draining")).await;
        let mut clients = tokio::task::JoinSet::new();
        while process.is_running() {
            clients.spawn(late_request(process.port()));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(process.wait_exit(STOP_GRACE).await, 0);
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
async fn a_process_that_is_still_starting_ends_on_sigterm() {
    let nowhere = harness::free_port();
    let mut builder =
        TestSystem::builder().env(Service::Orchestrator, "TEMPORAL_SERVICE_URL", format!("127.0.0.1:{nowhere}"));
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        builder = builder.env(service, "SPRING_DATASOURCE_URL", format!("mysql://127.0.0.1:{nowhere}/x"));
    }
    let system = builder.build().await;
    for service in Service::ALL {
        system.process(service).start();
        system.process(service).wait_ok("/actuator/health/liveness", Duration::from_secs(30)).await;
        system.process(service).begin_terminate();
    }
    for service in Service::ALL {
        assert_eq!(system.process(service).wait_exit(STOP_GRACE).await, 0, "{service:?}");
    }
}
