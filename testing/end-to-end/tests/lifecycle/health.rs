//! The three health pages of a process, and what they must say.

use std::time::Duration;

use end_to_end::{Service, World, order};
use harness::process::ServiceProcess;
use harness::wait;
use serde_json::Value;

use crate::servers::Dependency;

/// From the return of what was missing until the last of the four says that it is UP.
const RETURN_LIMIT: Duration = Duration::from_secs(10);
/// For what a process says at once; long, since the machine may be busy.
const LIMIT: Duration = Duration::from_secs(30);

/// The whole page, with the names of the components that are DOWN. `None` if the page is not there.
pub(crate) async fn whole(process: &ServiceProcess) -> Option<(u16, Vec<String>)> {
    let (status, body) = process.get("/actuator/health").await?;
    let said = if status == 200 { "UP" } else { "DOWN" };
    let begin = format!(r#"{{"status":"{said}","components":{{""#);
    assert!(body.starts_with(&begin), "compact, and the whole first: {body}");
    let page: Value = serde_json::from_str(&body).expect("JSON");
    let components = page["components"].as_object().expect("components");
    let down = components.iter().filter(|(_, component)| component["status"] == "DOWN");
    Some((status, down.map(|(name, _)| name.clone()).collect()))
}

/// `readiness` or `liveness`: 200 UP, or 503 DOWN, and no components.
pub(crate) async fn probe(process: &ServiceProcess, name: &str) -> Option<bool> {
    let (status, body) = process.get(&format!("/actuator/health/{name}")).await?;
    match (status, body.as_str()) {
        (200, r#"{"status":"UP"}"#) => Some(true),
        (503, r#"{"status":"DOWN"}"#) => Some(false),
        _ => panic!("{name}: {status} {body}"),
    }
}

/// What all four processes must say, soon, and then all at the same time, when these are missing.
pub(crate) async fn told(world: &World, missing: &[Dependency], started: bool) {
    for service in Service::ALL {
        let process = world.process(service);
        let mut down: Vec<_> = missing.iter().filter_map(|dependency| dependency.component(service)).collect();
        down.sort_unstable();
        let expected = (if down.is_empty() { 200 } else { 503 }, down.into_iter().map(str::to_owned).collect());
        let what = format!("{service:?} to say {expected:?} without {missing:?}");
        wait::until(&what, LIMIT, async || whole(process).await.as_ref() == Some(&expected)).await;
        let hindered = !started && missing.iter().any(|dependency| dependency.hinders_start(service));
        let what = format!("{service:?} to be ready: {}, without {missing:?}", !hindered);
        wait::until(&what, LIMIT, async || probe(process, "readiness").await == Some(!hindered)).await;
        assert_eq!(probe(process, "liveness").await, Some(true), "{service:?} without {missing:?}");
    }
}

/// Everything is there again: all four come UP by themselves, as the processes that they were, and an order goes
/// through.
pub(crate) async fn recovered(world: &World, pids: &[u32], key: &str) {
    let up = Some((200, Vec::new()));
    futures::future::join_all(Service::ALL.map(|service| {
        let (process, up) = (world.process(service), &up);
        let what = format!("{service:?} to come UP by itself");
        async move { wait::until(&what, RETURN_LIMIT, async || whole(process).await == *up).await }
    }))
    .await;
    for service in Service::ALL {
        assert_eq!(probe(world.process(service), "readiness").await, Some(true), "{service:?}");
    }
    assert_eq!(pids_of(world), pids);
    assert!(Service::ALL.iter().all(|service| world.process(*service).is_running()));
    let reply = world.place(key, &order()).await;
    assert!(matches!(reply.status, 200 | 202), "{reply:?}");
    assert_eq!(world.settled().await.cancelled, 0);
}

pub(crate) fn start_all(world: &World) -> Vec<u32> {
    for service in Service::ALL {
        world.process(service).start();
    }
    pids_of(world)
}

pub(crate) fn pids_of(world: &World) -> Vec<u32> {
    Service::ALL.iter().map(|service| world.process(*service).pid()).collect()
}

/// Every line that the process has printed is one JSON object with time, level and message.
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
