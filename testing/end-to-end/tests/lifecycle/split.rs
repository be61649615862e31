//! The orchestrator as two processes: the API and the worker.

use std::time::Duration;

use end_to_end::steps::shows_as_stuck_within;
use end_to_end::{Service, World, order};
use harness::faults::{Action, Rule};
use harness::process::ServiceProcess;
use harness::wait;
use serde_json::json;

use crate::health::{assert_json_log, probe, whole};

const LIMIT: Duration = Duration::from_secs(90);

fn worker_of(world: &World) -> ServiceProcess {
    world.another_orchestrator().with_env("ORCHESTRATOR_ROLE", "worker")
}

#[tokio::test(flavor = "multi_thread")]
async fn api_and_worker_are_two_processes_and_an_order_goes_through() {
    let world = World::builder().env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api").start().await;
    let worker = worker_of(&world);
    worker.start();
    worker.wait_up().await;

    let api = world.process(Service::Orchestrator);
    for process in [api, &worker] {
        wait::until("all parts to be UP", LIMIT, async || whole(process).await == Some((200, Vec::new()))).await;
        assert_eq!(probe(process, "readiness").await, Some(true));
        let (_, page) = process.get("/actuator/health").await.expect("an answer");
        assert!(page.contains(r#""temporal":{"status":"UP"}"#), "{page}");
    }
    assert_eq!(world.place("two-processes", &order()).await.brief(), (200, "CONFIRMED"));
    let elsewhere = format!("{}/api/temporal/orders", worker.url());
    assert_eq!(world.post(&elsewhere, &order()).await.brief(), (404, "NOT_FOUND"));
    let there = format!("{elsewhere}/{}", world.saga("two-processes"));
    assert_eq!(world.get(&there).await.brief(), (404, "NOT_FOUND"));
    world.settled().await;

    assert_eq!(worker.terminate().await, 0);
    assert_eq!(api.terminate().await, 0);
    assert_json_log(&worker);
    assert_json_log(api);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_the_api_takes_orders_that_a_later_worker_ends() {
    let world = World::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 500)
        .start()
        .await;
    let reply = world.place("before-the-worker", &order()).await;
    assert_eq!((reply.status, reply.text("status")), (202, "PENDING"));
    assert_eq!(world.follow("before-the-worker").await.text("status"), "PENDING");
    let worker = worker_of(&world);
    worker.start();
    worker.wait_up().await;
    wait::until("the order to be confirmed", Duration::from_secs(30), async || {
        world.follow("before-the-worker").await.text("status") == "CONFIRMED"
    })
    .await;
    assert_eq!(world.settled().await.confirmed, 1);
}

/// An API and a worker beside it, with these limits in milliseconds.
async fn with_a_worker(deadline: u32, stuck_after: u32) -> (World, ServiceProcess) {
    let world = World::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", deadline)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", stuck_after)
        .start()
        .await;
    let worker = worker_of(&world);
    worker.start();
    worker.wait_up().await;
    (world, worker)
}

async fn the_worker_dies_once_it_waits_for(world: &World, worker: &ServiceProcess, key: &str, step: &str) {
    assert_eq!(world.place(key, &order()).await.status, 202);
    wait::until("the step to wait", LIMIT, async || world.follow(key).await.json["steps"] == json!([step])).await;
    worker.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_before_the_payment_that_no_worker_gives_up_shows_as_stuck() {
    let (world, worker) = with_a_worker(15_000, 3000).await;
    world.to_order.add(Rule::on("POST", "steps/create").then(Action::Refuse));
    the_worker_dies_once_it_waits_for(&world, &worker, "nobody-gives-up", "order.create").await;

    shows_as_stuck_within(LIMIT, &world, "nobody-gives-up", "order.create").await;
    world.to_order.clear_rules();
    worker.start();
    assert_eq!(world.settled().await.cancelled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_no_worker_tries_shows_as_stuck_all_the_same() {
    let (world, worker) = with_a_worker(60_000, 25_000).await;
    world.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    the_worker_dies_once_it_waits_for(&world, &worker, "nobody-tries", "stock.confirm").await;

    wait::until("the metric to count it", LIMIT, async || world.counted_as_stuck().await == "1").await;
    assert_eq!(world.follow("nobody-tries").await.json["stuck"], true);
    world.to_inventory.clear_rules();
    worker.start();
    assert_eq!(world.settled().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_no_worker_ever_takes_up_shows_as_stuck() {
    let world = World::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 500)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 3000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 3000)
        .start()
        .await;
    assert_eq!(world.place("nobody-there", &order()).await.status, 202);
    assert_eq!(world.follow("nobody-there").await.json.get("stuck"), None);

    shows_as_stuck_within(LIMIT, &world, "nobody-there", "workflow").await;

    let worker = worker_of(&world);
    worker.start();
    wait::until("the order to be cancelled", LIMIT, async || {
        world.follow("nobody-there").await.text("status") == "CANCELLED"
    })
    .await;
    assert_eq!(world.settled().await.cancelled, 1);
}
