//! The orchestrator as two processes: one with the API, and one with the worker.

use std::time::Duration;

use end_to_end::steps::wait_until_stuck_within;
use end_to_end::{Service, TestSystem, order};
use harness::faults::{Action, Rule};
use harness::process::ServiceProcess;
use harness::wait;
use serde_json::json;

use crate::health::{assert_json_log, health_page, probe};

const LIMIT: Duration = Duration::from_secs(90);

fn worker_of(system: &TestSystem) -> ServiceProcess {
    system.another_orchestrator().with_env("ORCHESTRATOR_ROLE", "worker")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_process_and_a_worker_process_confirm_an_order() {
    let system = TestSystem::builder().env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api").start().await;
    let worker = worker_of(&system);
    worker.start();
    worker.wait_up().await;

    let api = system.process(Service::Orchestrator);
    for process in [api, &worker] {
        wait::until("all components to be UP", LIMIT, async || health_page(process).await == Some((200, Vec::new())))
            .await;
        assert_eq!(probe(process, "readiness").await, Some(true));
        let (_, page) = process.get("/actuator/health").await.expect("the process answers");
        assert!(page.contains(r#""temporal":{"status":"UP"}"#), "{page}");
    }
    assert_eq!(system.place("two-processes", &order()).await.status_and_code(), (200, "CONFIRMED"));
    let orders_of_worker = format!("{}/api/temporal/orders", worker.url());
    assert_eq!(system.post(&orders_of_worker, &order()).await.status_and_code(), (404, "NOT_FOUND"));
    let order_of_worker = format!("{orders_of_worker}/{}", system.saga("two-processes"));
    assert_eq!(system.get(&order_of_worker).await.status_and_code(), (404, "NOT_FOUND"));
    system.wait_until_finished().await;

    assert_eq!(worker.terminate().await, 0);
    assert_eq!(api.terminate().await, 0);
    assert_json_log(&worker);
    assert_json_log(api);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_the_api_accepts_orders_that_a_later_worker_finishes() {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 500)
        .start()
        .await;
    let reply = system.place("before-the-worker", &order()).await;
    assert_eq!((reply.status, reply.text("status")), (202, "PENDING"));
    assert_eq!(system.follow("before-the-worker").await.text("status"), "PENDING");
    let worker = worker_of(&system);
    worker.start();
    worker.wait_up().await;
    wait::until("the order to be confirmed", Duration::from_secs(30), async || {
        system.follow("before-the-worker").await.text("status") == "CONFIRMED"
    })
    .await;
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

/// An API process and a worker process. Both limits are in milliseconds.
async fn api_and_worker(deadline: u32, stuck_after: u32) -> (TestSystem, ServiceProcess) {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", deadline)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", stuck_after)
        .start()
        .await;
    let worker = worker_of(&system);
    worker.start();
    worker.wait_up().await;
    (system, worker)
}

/// Places an order, and kills the worker once the order has a durable attempt of this step.
async fn kill_worker_during(system: &TestSystem, worker: &ServiceProcess, key: &str, step: &str) {
    assert_eq!(system.place(key, &order()).await.status, 202);
    wait::until("a durable attempt of the step", LIMIT, async || {
        system.follow(key).await.json["steps"] == json!([step])
    })
    .await;
    worker.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_before_the_payment_that_no_worker_ends_is_stuck() {
    let (system, worker) = api_and_worker(15_000, 3000).await;
    system.to_order.add(Rule::on("POST", "steps/create").then(Action::Refuse));
    kill_worker_during(&system, &worker, "no-worker-ends-it", "order.create").await;

    wait_until_stuck_within(LIMIT, &system, "no-worker-ends-it", "order.create").await;
    system.to_order.clear_rules();
    worker.start();
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_no_worker_attempts_is_stuck() {
    let (system, worker) = api_and_worker(60_000, 25_000).await;
    system.to_inventory.add(Rule::on("POST", "steps/confirm").then(Action::Refuse));
    kill_worker_during(&system, &worker, "no-worker-attempts-it", "stock.confirm").await;

    wait::until("the metric to count one stuck order", LIMIT, async || system.stuck_metric().await == "1").await;
    assert_eq!(system.follow("no-worker-attempts-it").await.json["stuck"], true);
    system.to_inventory.clear_rules();
    worker.start();
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_no_worker_runs_is_stuck() {
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_ROLE", "api")
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 500)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 3000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 3000)
        .start()
        .await;
    assert_eq!(system.place("no-worker-runs-it", &order()).await.status, 202);
    assert_eq!(system.follow("no-worker-runs-it").await.json.get("stuck"), None);

    wait_until_stuck_within(LIMIT, &system, "no-worker-runs-it", "workflow").await;

    let worker = worker_of(&system);
    worker.start();
    wait::until("the order to be cancelled", LIMIT, async || {
        system.follow("no-worker-runs-it").await.text("status") == "CANCELLED"
    })
    .await;
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
}
