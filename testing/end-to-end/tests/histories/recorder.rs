//! Fetches a saga's history, says what is in it, and writes it down without what belongs to one machine.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use end_to_end::World;
use harness::faults::HttpProxy;
use harness::servers::shared;
use harness::wait;
use serde_json::Value;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, UntypedWorkflow, Url, WorkflowFetchHistoryOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{History as Events, HistoryEvent};

/// Longer than any saga here has left to do.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// In place of each worker's and client's identity, which is its process and host.
const IDENTITY: &str = "worker";

/// The whole history of a saga that has come to its end.
pub(crate) struct History {
    events: Vec<HistoryEvent>,
}

impl History {
    /// Waits until the saga's workflow has completed (whatever the outcome, it never fails) and the books agree.
    pub(crate) async fn of(world: &World, key: &str) -> Self {
        let client = connect(world).await;
        let events = wait::until_some("the saga's workflow to complete", LIMIT, async || {
            let handle = client.get_workflow_handle::<UntypedWorkflow>(world.saga(key));
            let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await.ok()?;
            is_end(events.last()?.event_type()).then_some(events)
        })
        .await;
        let end = events.last().expect("a history has an end").event_type();
        assert_eq!(end, EventType::WorkflowExecutionCompleted);
        world.settled().await;
        Self { events }
    }

    /// How many events of a kind there are.
    pub(crate) fn count(&self, kind: EventType) -> usize {
        self.events.iter().filter(|event| event.event_type() == kind).count()
    }

    /// Were just these steps handed over to regular activities?
    pub(crate) fn hands_over(&self, steps: &[&str]) -> bool {
        self.handed_over() == steps.iter().copied().collect()
    }

    /// Which steps were handed over to regular activities, each once.
    pub(crate) fn handed_over(&self) -> BTreeSet<&str> {
        let steps = self.events.iter().filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskScheduledEventAttributes(step) => Some(step.activity_type.as_ref()?.name.as_str()),
            _ => None,
        });
        steps.collect()
    }

    /// The most attempts that a regular activity took.
    pub(crate) fn attempts(&self) -> i32 {
        let attempts = self.events.iter().filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskStartedEventAttributes(started) => Some(started.attempt),
            _ => None,
        });
        attempts.max().unwrap_or(0)
    }

    /// With `RECORD_HISTORIES=1`, keeps it for the replay test, one event a line, if it is the path that it is
    /// recorded for: on a busy machine a saga may come to the same end by another.
    pub(crate) fn keep(&self, name: &str, is_the_path: bool) {
        if std::env::var_os("RECORD_HISTORIES").is_none_or(|value| value != "1") {
            return;
        }
        assert!(is_the_path, "the machine was too busy to record {name}: do it again");
        let mut events = serde_json::to_value(Events { events: self.events.clone() }).expect("events are JSON");
        let mut identities = BTreeSet::new();
        collect_identities(&events, &mut identities);
        replace_all(&mut events, &identities);
        let lines: Vec<String> =
            events["events"].as_array().into_iter().flatten().map(std::string::ToString::to_string).collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../orchestrator-temporal/tests/histories");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let text = format!("{{\"events\":[\n{}\n]}}\n", lines.join(",\n"));
        std::fs::write(folder.join(format!("{name}.json")), text).expect("the history can be written");
    }
}

fn is_end(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::WorkflowExecutionCompleted
            | EventType::WorkflowExecutionFailed
            | EventType::WorkflowExecutionTimedOut
            | EventType::WorkflowExecutionCanceled
            | EventType::WorkflowExecutionTerminated
    )
}

/// A client of this test's own: connections do not outlive the runtime they were made on.
async fn connect(world: &World) -> Client {
    let url = Url::parse(&format!("http://{}", world.servers.temporal)).expect("an address makes a URL");
    let options = ConnectionOptions::new(url).identity(IDENTITY.to_owned()).build();
    let connection = Connection::connect(options).await.expect("Temporal is up");
    Client::new(connection, ClientOptions::new("default").build()).expect("a client")
}

/// Whatever stands under the name `identity`.
fn collect_identities(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let identity = fields.get("identity").and_then(Value::as_str).filter(|identity| !identity.is_empty());
            found.extend(identity.map(str::to_owned));
            fields.values().for_each(|field| collect_identities(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_identities(item, found)),
        _ => {}
    }
}

/// Identities stand in other texts too, such as the name of a worker's own task queue.
fn replace_all(value: &mut Value, identities: &BTreeSet<String>) {
    match value {
        Value::String(text) => {
            for identity in identities {
                *text = text.replace(identity, IDENTITY);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_all(field, identities)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_all(item, identities)),
        _ => {}
    }
}

/// Waits until these steps run or wait as regular activities, and no others.
pub(crate) async fn handed_over(world: &World, key: &str, steps: &[&str]) {
    wait::until(&format!("{steps:?} to be handed over"), LIMIT, async || {
        let reply = world.follow(key).await;
        let now: BTreeSet<&str> =
            reply.json["steps"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        now == steps.iter().copied().collect()
    })
    .await;
}

/// Waits for two more tries of a step: with a step that is handed over, the second of them is a repeated one.
pub(crate) async fn two_more_tries(proxy: &HttpProxy, path: &str) {
    let before = proxy.calls_to(path).len();
    let what = format!("two more tries of {path}");
    wait::until(&what, LIMIT, async || proxy.calls_to(path).len() >= before + 2).await;
}

/// Temporal's own command, about the workflow of this key.
pub(crate) async fn temporal(world: &World, command: &[&str], key: &str) -> Result<String, String> {
    let saga = world.saga(key);
    let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
    shared::temporal().await.command(&arguments).await
}

/// As [`temporal`], until it has worked; `done` is in the error of a repeat of one that has.
pub(crate) async fn temporal_at_last(world: &World, command: &[&str], key: &str, done: &[&str]) {
    let saga = world.saga(key);
    let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
    shared::temporal().await.command_at_last(&arguments, done).await;
}

/// What Temporal says of a cancel that it has heard before, or too late.
pub(crate) const CANCELLED_BEFORE: &[&str] = &["already requested", "already completed"];
