//! The three health pages of a process, and checks of their content.

use std::time::Duration;

use end_to_end::{Dependency, Service, TestSystem, order};
use harness::process::ServiceProcess;
use harness::wait;
use serde_json::Value;

/// The time limit for all four programs to be UP after all dependencies are available again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(10);
/// The time limit for a change of a health page. On an idle machine it changes immediately.
const LIMIT: Duration = Duration::from_secs(30);

/// The status of the main health page, with the components that are DOWN. `None` if the page is not served.
pub(crate) async fn health_page(process: &ServiceProcess) -> Option<(u16, Vec<String>)> {
    let (status, body) = process.get("/actuator/health").await?;
    let word = if status == 200 { "UP" } else { "DOWN" };
    let start = format!(r#"{{"status":"{word}","components":{{""#);
    assert!(body.starts_with(&start), "the body must be compact and start with the status: {body}");
    let page: Value = serde_json::from_str(&body).expect("the health page is JSON");
    let components = page["components"].as_object().expect("the health page has components");
    let down = components.iter().filter(|(_, component)| component["status"] == "DOWN");
    Some((status, down.map(|(name, _)| name.clone()).collect()))
}

/// Reads the health page `readiness` or `liveness`: true for 200 UP, false for 503 DOWN. It must have no components.
pub(crate) async fn probe(process: &ServiceProcess, name: &str) -> Option<bool> {
    let (status, body) = process.get(&format!("/actuator/health/{name}")).await?;
    match (status, body.as_str()) {
        (200, r#"{"status":"UP"}"#) => Some(true),
        (503, r#"{"status":"DOWN"}"#) => Some(false),
        _ => panic!("{name}: {status} {body}"),
    }
}

/// Waits until all four programs report the health that they must have without these dependencies.
pub(crate) async fn wait_for_health(system: &TestSystem, unavailable: &[Dependency], started: bool) {
    for service in Service::ALL {
        let process = system.process(service);
        let mut down: Vec<_> = unavailable.iter().filter_map(|dependency| dependency.component(service)).collect();
        down.sort_unstable();
        let expected = (if down.is_empty() { 200 } else { 503 }, down.into_iter().map(str::to_owned).collect());
        let what = format!("{service:?} to report {expected:?} without {unavailable:?}");
        wait::until(&what, LIMIT, async || health_page(process).await.as_ref() == Some(&expected)).await;
        let ready = started || !unavailable.iter().any(|dependency| dependency.delays_start(service));
        let what = format!("the readiness of {service:?} to be {ready} without {unavailable:?}");
        wait::until(&what, LIMIT, async || probe(process, "readiness").await == Some(ready)).await;
        assert_eq!(probe(process, "liveness").await, Some(true), "{service:?} without {unavailable:?}");
    }
}

/// Waits until all four programs are UP again. Panics unless they are the same processes and an order is accepted.
pub(crate) async fn assert_recovered(system: &TestSystem, pids: &[u32], key: &str) {
    let up = Some((200, Vec::new()));
    futures::future::join_all(Service::ALL.map(|service| {
        let (process, up) = (system.process(service), &up);
        let what = format!("{service:?} to be UP");
        async move { wait::until(&what, RECOVERY_LIMIT, async || health_page(process).await == *up).await }
    }))
    .await;
    for service in Service::ALL {
        assert_eq!(probe(system.process(service), "readiness").await, Some(true), "{service:?}");
    }
    assert_eq!(pids_of(system), pids);
    assert!(Service::ALL.iter().all(|service| system.process(*service).is_running()));
    let reply = system.place(key, &order()).await;
    assert!(matches!(reply.status, 200 | 202), "{reply:?}");
    assert_eq!(system.wait_until_finished().await.cancelled, 0);
}

pub(crate) fn start_all(system: &TestSystem) -> Vec<u32> {
    for service in Service::ALL {
        system.process(service).start();
    }
    pids_of(system)
}

pub(crate) fn pids_of(system: &TestSystem) -> Vec<u32> {
    Service::ALL.iter().map(|service| system.process(*service).pid()).collect()
}

/// Panics unless every line of the log is one JSON object with a time, a level and a message.
pub(crate) fn assert_json_log(process: &ServiceProcess) {
    let log = process.log();
    assert!(!log.is_empty());
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "message"] {
            assert!(entry[field].is_string(), "{field}: {line}");
        }
    }
}
