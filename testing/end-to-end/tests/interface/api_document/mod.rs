//! The programs give every answer that their OpenAPI documents list, and no other.

pub(crate) mod openapi;
mod orders;
pub(crate) mod samples;
mod steps;

use std::time::Duration;

use end_to_end::{ServerAddresses, Service, TestSystem};
use futures::future::join_all;
use harness::servers::{MariaDb, Redis, Temporal};
use harness::wait;

use openapi::{Coverage, Documents, Operation};
use orders::OrdersApi;
use samples::sample;
use steps::Steps;

use crate::client::Request;

/// The servers of this test. They are not shared, because the test stops them.
struct Servers {
    database: MariaDb,
    redis: Redis,
    temporal: Temporal,
}

impl Servers {
    async fn start() -> Self {
        let (database, redis, temporal) = futures::join!(MariaDb::start(), Redis::start(), Temporal::start());
        Self { database, redis, temporal }
    }

    fn addresses(&self) -> ServerAddresses {
        ServerAddresses {
            mysql: self.database.address(),
            redis_port: self.redis.port(),
            temporal: self.temporal.address(),
            ledgers_url: self.database.url(),
        }
    }
}

async fn restart(system: &TestSystem, service: Service, settings: &[(&str, u32)]) {
    let process = system.process(service);
    process.kill().await;
    for (name, value) in settings {
        process.set_env(name, value);
    }
    process.start();
    process.wait_up().await;
}

/// Sends a well-formed request for each operation that `wanted` selects, all at the same time.
async fn send_samples(coverage: &Coverage, system: &TestSystem, wanted: impl Fn(&Operation) -> bool) {
    let operations = coverage.documents.0.keys().filter(|operation| wanted(operation));
    join_all(operations.map(async |operation| coverage.send(system, &sample(system, operation)).await)).await;
}

/// Sends malformed requests for each operation that takes a body, an id or a query.
async fn send_malformed(coverage: &Coverage, system: &TestSystem) {
    for operation in coverage.documents.0.keys() {
        let good = sample(system, operation);
        if operation.method == "POST" {
            for body in ["{".to_owned(), "{}".to_owned(), " ".repeat(65 * 1024)] {
                coverage.send(system, &good.clone().body(body)).await;
            }
            coverage.send(system, &good.without("Content-Type")).await;
        } else if operation.path.contains('{') {
            let path = format!("{}/0", operation.path.rsplit_once('/').expect("a path contains a slash").0);
            coverage.send(system, &Request { path, ..good }).await;
        } else if operation.path.ends_with("unfinished") {
            coverage
                .send(system, &Request::get(operation.service, format!("{}?olderThanSeconds=x", operation.path)))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_answer_occurs_and_every_answer_is_documented() {
    let servers = Servers::start().await;
    let system = TestSystem::builder()
        .servers(servers.addresses())
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 2500)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 4500)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 10_000)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000)
        .build()
        .await;

    // The programs start while the database and Temporal are down.
    futures::join!(servers.database.stop(), servers.temporal.stop());
    for service in Service::ALL {
        system.process(service).start();
    }
    for service in Service::ALL {
        system.process(service).wait_ok("/actuator/health/liveness", Duration::from_secs(30)).await;
    }
    let coverage = Coverage::of(Documents::read(&system).await);
    send_samples(&coverage, &system, |_| true).await;

    futures::join!(servers.database.start_again(), servers.temporal.start_again());
    for service in Service::ALL {
        system.process(service).wait_up().await;
    }
    send_samples(&coverage, &system, |_| true).await;
    send_malformed(&coverage, &system).await;
    let (steps, orders) =
        (Steps { coverage: &coverage, system: &system }, OrdersApi { coverage: &coverage, system: &system });
    steps.orders().await;
    steps.stock().await;
    steps.products().await;
    let cancelling = steps.payments().await;
    orders.orders().await;

    let busy = [("GATEWAY_PERMITS", 1), ("GATEWAY_TIMEOUT_MS", 30_000), ("PAYMENT_LEASE_MS", 32_000)];
    restart(&system, Service::Payment, &busy).await;
    steps.busy_gateway(&cancelling).await;
    restart(&system, Service::Orchestrator, &[("ORCHESTRATOR_MAX_ORDERS", 1)]).await;
    orders.overloaded().await;

    // The servers are killed one after another.
    restart(&system, Service::Orchestrator, &[("ORCHESTRATOR_MAX_ORDERS", 100)]).await;
    servers.database.kill().await;
    wait::until("service-order to report its database as DOWN", Duration::from_secs(20), async || {
        system.process(Service::Order).get("/actuator/health").await.is_some_and(|(status, _)| status == 503)
    })
    .await;
    send_samples(&coverage, &system, |operation| operation.service != Service::Orchestrator).await;
    for method in ["GET", "DELETE"] {
        assert_eq!(orders.send(method, "unknown-order").await.code(), "SERVICE_UNAVAILABLE");
    }
    orders.reused_key_without_service_order().await;
    servers.temporal.kill().await;
    send_samples(&coverage, &system, |operation| operation.service == Service::Orchestrator).await;

    println!("{}", coverage.summary());
    let (missing, undocumented) = (coverage.missing(), coverage.undocumented());
    assert!(
        missing.is_empty() && undocumented.is_empty(),
        "documented but never seen: {missing:#?}\nundocumented: {undocumented:#?}"
    );
}
