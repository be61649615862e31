//! Every documented answer is really given, and no other.

pub(crate) mod openapi;
mod orders;
pub(crate) mod samples;
mod steps;

use std::time::Duration;

use end_to_end::{ServerAddresses, Service, World};
use futures::future::join_all;
use harness::servers::{MariaDb, Redis, Temporal};
use harness::wait;

use openapi::{Coverage, Documents, Operation};
use orders::OrdersApi;
use samples::sample;
use steps::Steps;

use crate::client::Request;

/// Servers of this test's own, since it stops them.
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
            books: self.database.url(),
        }
    }
}

async fn restart(world: &World, service: Service, settings: &[(&str, u32)]) {
    let process = world.process(service);
    process.kill().await;
    for (name, value) in settings {
        process.set_env(name, value);
    }
    process.start();
    process.wait_up().await;
}

/// A well-formed request for each operation of these services, all at once.
async fn send_samples(seen: &Coverage, world: &World, wanted: impl Fn(&Operation) -> bool) {
    let operations = seen.documents.0.keys().filter(|operation| wanted(operation));
    join_all(operations.map(async |operation| seen.send(world, &sample(world, operation)).await)).await;
}

/// For each operation that takes a body or an id: what is none.
async fn send_malformed(seen: &Coverage, world: &World) {
    for operation in seen.documents.0.keys() {
        let good = sample(world, operation);
        if operation.method == "POST" {
            for body in ["{".to_owned(), "{}".to_owned(), " ".repeat(65 * 1024)] {
                seen.send(world, &good.clone().body(body)).await;
            }
            seen.send(world, &good.without("Content-Type")).await;
        } else if operation.path.contains('{') {
            let path = format!("{}/0", operation.path.rsplit_once('/').expect("a path has a slash").0);
            seen.send(world, &Request { path, ..good }).await;
        } else if operation.path.ends_with("unfinished") {
            seen.send(world, &Request::get(operation.service, format!("{}?olderThanSeconds=x", operation.path))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_answer_is_given_and_every_answer_given_is_documented() {
    let servers = Servers::start().await;
    let world = World::builder()
        .servers(servers.addresses())
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 2500)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 4500)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 10_000)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000)
        .wire()
        .await;

    // Nothing to start with.
    futures::join!(servers.database.stop(), servers.temporal.stop());
    for service in Service::ALL {
        world.process(service).start();
    }
    for service in Service::ALL {
        world.process(service).wait_ok("/actuator/health/liveness", Duration::from_secs(30)).await;
    }
    let seen = Coverage::of(Documents::read(&world).await);
    send_samples(&seen, &world, |_| true).await;

    futures::join!(servers.database.start_again(), servers.temporal.start_again());
    for service in Service::ALL {
        world.process(service).wait_up().await;
    }
    send_samples(&seen, &world, |_| true).await;
    send_malformed(&seen, &world).await;
    let (steps, orders) = (Steps { seen: &seen, world: &world }, OrdersApi { seen: &seen, world: &world });
    steps.orders().await;
    steps.stock().await;
    steps.products().await;
    let cancelling = steps.payments().await;
    orders.orders().await;

    let busy = [("GATEWAY_PERMITS", 1), ("GATEWAY_TIMEOUT_MS", 30_000), ("PAYMENT_LEASE_MS", 32_000)];
    restart(&world, Service::Payment, &busy).await;
    steps.busy_gateway(&cancelling).await;
    restart(&world, Service::Orchestrator, &[("ORCHESTRATOR_MAX_ORDERS", 1)]).await;
    orders.full_house().await;

    // One server after the other goes.
    restart(&world, Service::Orchestrator, &[("ORCHESTRATOR_MAX_ORDERS", 100)]).await;
    servers.database.kill().await;
    wait::until("service-order to miss its database", Duration::from_secs(20), async || {
        world.process(Service::Order).get("/actuator/health").await.is_some_and(|(status, _)| status == 503)
    })
    .await;
    send_samples(&seen, &world, |operation| operation.service != Service::Orchestrator).await;
    for method in ["GET", "DELETE"] {
        assert_eq!(orders.send(method, "never-heard-of").await.code(), "SERVICE_UNAVAILABLE");
    }
    orders.another_request_without_service_order().await;
    servers.temporal.kill().await;
    send_samples(&seen, &world, |operation| operation.service == Service::Orchestrator).await;

    println!("{}", seen.summary());
    let (missing, undocumented) = (seen.missing(), seen.undocumented());
    assert!(missing.is_empty() && undocumented.is_empty(), "never seen: {missing:#?}\nundocumented: {undocumented:#?}");
}
