//! Tests of service processes: start, graceful shutdown, kill, pause and restart.

use std::time::{Duration, SystemTime};

use harness::process::ServiceProcess;
use harness::{ensure_built, wait};
use serde_json::Value;

use crate::client::{echo, echo_binary};

const LIMIT: Duration = Duration::from_secs(10);

async fn state(service: &ServiceProcess) -> Value {
    let (_, body) = service.get("/state").await.expect("the service answers");
    serde_json::from_str(&body).expect("it answers with JSON")
}

#[tokio::test]
async fn a_service_becomes_ready_and_ends_in_order() {
    let service = echo().await;
    service.wait_up().await;
    assert!(service.is_running());
    assert_eq!(service.terminate().await, 0);
    assert!(!service.is_running());
    assert!(service.log().contains("orderly stop"));
}

#[tokio::test]
async fn a_killed_service_restarts_on_the_same_port_with_its_environment() {
    let service = ServiceProcess::of_program(echo_binary()).with_env("GREETING", "hello");
    service.start();
    service.wait_ready().await;
    let (pid, url) = (service.pid(), service.url());
    state(&service).await;
    assert_eq!(state(&service).await["count"], 2);

    service.kill().await;
    assert!(service.get("/state").await.is_none());
    service.restart().await;
    service.wait_ready().await;

    assert_eq!(service.url(), url);
    assert_ne!(service.pid(), pid);
    let state = state(&service).await;
    assert_eq!((&state["count"], &state["greeting"]), (&Value::from(1), &Value::from("hello")));
    assert_eq!(service.log().matches("listening on").count(), 2);
    service.restart().await;
    assert!(service.log().contains("orderly stop"));
}

#[tokio::test]
async fn a_paused_service_answers_after_it_is_resumed() {
    let service = echo().await;
    service.pause().await;
    let url = format!("{}/late", service.url());
    let client = crate::client::HttpClient::new();
    let asking = tokio::spawn(async move { client.post(&url, "").await });
    assert!(service.is_running());
    assert!(tokio::time::timeout(Duration::from_millis(200), service.get("/state")).await.is_err());
    service.resume();
    let (status, _) = asking.await.expect("the task does not panic").expect("the service answers");
    assert_eq!(status, 200);
}

#[expect(clippy::disallowed_methods, reason = "this test is about the clock")]
#[tokio::test]
async fn only_the_wall_clock_of_a_service_is_shifted() {
    for shift in [600, -600] {
        let service = ServiceProcess::of_program(echo_binary()).with_clock_shift(shift);
        service.start();
        // The test service becomes ready after 300 ms on its monotonic clock, which must not be shifted.
        service.wait_ready().await;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
        let theirs = state(&service).await["time"].as_i64().expect("the service returns its time");
        let difference = theirs - i64::try_from(now).expect("the time fits into an i64");
        assert!((difference - shift).abs() <= 2, "{difference} s instead of {shift} s");
        let left = format!("/dev/shm/faketime_shm_{}", service.pid());
        drop(service);
        assert!(!std::path::Path::new(&left).exists());
    }
}

#[tokio::test]
#[should_panic(expected = "SERVER_PORT is set")]
async fn a_service_that_ends_during_the_wait_fails_the_test_with_its_log() {
    let service =
        ServiceProcess::of_program(echo_binary()).with_env("SERVER_PORT", "none").with_env("RUST_BACKTRACE", "full");
    service.start();
    service.wait_ready().await;
}

#[tokio::test]
async fn a_service_that_ends_on_its_own_has_an_exit_code() {
    let service = ServiceProcess::of_program(echo_binary()).with_env("SERVER_PORT", "none");
    service.start();
    assert_eq!(service.wait_exit(LIMIT).await, 101);
    service.set_env("SERVER_PORT", service.port());
    service.start();
    service.wait_ready().await;
}

#[tokio::test]
async fn binaries_are_built_on_demand_and_found_by_name() {
    ensure_built(&["harness"]).await;
    ensure_built(&["harness"]).await;
    let service = ServiceProcess::new("harness-echo");
    service.start();
    service.wait_ready().await;
    wait::until("a line in the log", LIMIT, async || service.log().contains("listening on")).await;
}
