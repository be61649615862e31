//! Fetches and inspects the history of a saga, and records it without the names that identify a machine.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use end_to_end::TestSystem;
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

/// The time limit for each saga to finish.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// Replaces the identity of each worker and client, which contains its process id and its host name.
const IDENTITY: &str = "worker";

/// The complete history of a finished saga.
pub(crate) struct History {
    events: Vec<HistoryEvent>,
}

impl History {
    /// Waits until the saga's workflow has completed, whatever its outcome, and the ledgers agree.
    pub(crate) async fn of(system: &TestSystem, key: &str) -> Self {
        let client = connect(system).await;
        let events = wait::until_some("the saga's workflow to complete", LIMIT, async || {
            let handle = client.get_workflow_handle::<UntypedWorkflow>(system.saga(key));
            let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await.ok()?;
            is_end(events.last()?.event_type()).then_some(events)
        })
        .await;
        let end = events.last().expect("a history has an end").event_type();
        assert_eq!(end, EventType::WorkflowExecutionCompleted);
        system.wait_until_finished().await;
        Self { events }
    }

    /// The number of events of this kind.
    pub(crate) fn count(&self, kind: EventType) -> usize {
        self.events.iter().filter(|event| event.event_type() == kind).count()
    }

    /// Whether exactly these steps had durable attempts.
    pub(crate) fn has_durable_attempts_of(&self, steps: &[&str]) -> bool {
        self.durable_steps() == steps.iter().copied().collect()
    }

    /// The steps that had durable attempts.
    pub(crate) fn durable_steps(&self) -> BTreeSet<&str> {
        let steps = self.events.iter().filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskScheduledEventAttributes(step) => Some(step.activity_type.as_ref()?.name.as_str()),
            _ => None,
        });
        steps.collect()
    }

    /// The largest number of durable attempts of one step.
    pub(crate) fn attempts(&self) -> i32 {
        let attempts = self.events.iter().filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskStartedEventAttributes(started) => Some(started.attempt),
            _ => None,
        });
        attempts.max().unwrap_or(0)
    }

    /// With `RECORD_HISTORIES=1`, writes the history for the replay test, one event per line.
    ///
    /// # Panics
    /// Panics if the history is recorded but `is_wanted_path` is false: on a busy machine a saga may take another path
    /// to the same end.
    pub(crate) fn keep(&self, name: &str, is_wanted_path: bool) {
        if std::env::var_os("RECORD_HISTORIES").is_none_or(|value| value != "1") {
            return;
        }
        assert!(is_wanted_path, "the machine was too busy to record {name}: run the test again");
        let mut events =
            serde_json::to_value(Events { events: self.events.clone() }).expect("events can be written as JSON");
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

/// Connects a client for this test only. A connection ends with the runtime of its test.
async fn connect(system: &TestSystem) -> Client {
    let url = Url::parse(&format!("http://{}", system.servers.temporal)).expect("an address makes a URL");
    let options = ConnectionOptions::new(url).identity(IDENTITY.to_owned()).build();
    let connection = Connection::connect(options).await.expect("Temporal is up");
    Client::new(connection, ClientOptions::new("default").build()).expect("a client can be created")
}

/// Collects the values of all fields named `identity`.
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

/// Replaces the identities in all texts. Other fields contain them too, such as the name of a worker's task queue.
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

/// Waits until exactly these steps have durable attempts at this moment.
pub(crate) async fn wait_for_durable_attempts(system: &TestSystem, key: &str, steps: &[&str]) {
    wait::until(&format!("durable attempts of {steps:?}"), LIMIT, async || {
        let reply = system.follow(key).await;
        let now: BTreeSet<&str> =
            reply.json["steps"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        now == steps.iter().copied().collect()
    })
    .await;
}

/// Waits for two more calls to a step. The second one is certainly a retry of a durable attempt.
pub(crate) async fn wait_for_two_more_calls(proxy: &HttpProxy, path: &str) {
    let before = proxy.calls_to(path).len();
    let what = format!("two more calls of {path}");
    wait::until(&what, LIMIT, async || proxy.calls_to(path).len() >= before + 2).await;
}

/// Runs `temporal workflow <command>` for the workflow of this key.
pub(crate) async fn temporal(system: &TestSystem, command: &[&str], key: &str) -> Result<String, String> {
    let saga = system.saga(key);
    let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
    shared::temporal().await.command(&arguments).await
}

/// Like [`temporal`], repeated until it succeeds. An error that contains one of the texts in `done` counts as success.
pub(crate) async fn temporal_until_done(system: &TestSystem, command: &[&str], key: &str, done: &[&str]) {
    let saga = system.saga(key);
    let arguments = [&["workflow"], command, &["--workflow-id", &saga]].concat();
    shared::temporal().await.command_until_done(&arguments, done).await;
}

/// Temporal's errors for a cancellation that was already requested or that arrives too late.
pub(crate) const CANCEL_IS_DONE: &[&str] = &["already requested", "already completed"];
