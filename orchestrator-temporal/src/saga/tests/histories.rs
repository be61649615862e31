//! The committed histories, and how to replay one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{HistoryEvent, MarkerRecordedEventAttributes};
use temporalio_sdk::workflow_interceptors::{
    ExecuteWorkflowInput, ExecuteWorkflowResult, WorkflowInterceptor, WorkflowInterceptorConstructor,
    WorkflowInterceptorContext, WorkflowInterceptorFuture, WorkflowNext,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayError, WorkflowReplayer, WorkflowReplayerOptions};

use super::super::SagaOutcome;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

/// The names of all committed histories.
pub(super) fn all() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).expect("the folder exists").map(|file| file.expect("it can be read"));
    let names = files.map(|file| file.file_name().into_string().expect("a name is text"));
    names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
}

fn read(name: &str) -> WorkflowHistory {
    let file = folder().join(format!("{name}.json"));
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    WorkflowHistory::from_json(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The history's events.
pub(super) async fn events(name: &str) -> Vec<HistoryEvent> {
    read(name).into_events().await.expect("they are in memory")
}

/// The outcome that the history ends with.
pub(super) async fn recorded_outcome(name: &str) -> SagaOutcome {
    let events = events(name).await;
    let Some(Attributes::WorkflowExecutionCompletedEventAttributes(end)) =
        events.last().and_then(|event| event.attributes.clone())
    else {
        panic!("{name}.json does not end with a completed workflow")
    };
    let payload = end.result.and_then(|result| result.payloads.into_iter().next()).expect("an outcome");
    serde_json::from_slice(&payload.data).unwrap_or_else(|error| panic!("{name}.json: {error}"))
}

/// Replays a history with the workflow registered in `options`. Returns the outcome, which the SDK does not compare.
pub(super) async fn replay(
    name: &str,
    mut options: WorkflowReplayerOptions,
) -> Result<Option<SagaOutcome>, WorkflowReplayError> {
    let outcome = Arc::new(Mutex::new(None));
    let listener = Arc::clone(&outcome);
    options.workflow_interceptor(WorkflowInterceptorConstructor::new(move |_| OutcomeListener(Arc::clone(&listener))));
    WorkflowReplayer::new(options)?.replay_workflow(read(name)).await?;
    let replayed = outcome.lock().expect("no thread panics while it holds the lock").take();
    Ok(replayed)
}

/// Receives the outcome of a workflow.
struct OutcomeListener(Arc<Mutex<Option<SagaOutcome>>>);

impl WorkflowInterceptor for OutcomeListener {
    fn execute<'a>(
        &'a self,
        _ctx: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<'a, ExecuteWorkflowInput, WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>>,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        WorkflowInterceptorFuture::new(async move {
            let output = next.run(input).await?;
            let outcome = output.downcast_ref::<SagaOutcome>().cloned();
            *self.0.lock().expect("no thread panics while it holds the lock") = outcome;
            Ok(output)
        })
    }
}

/// The step that a marker of the SDK records: a local activity that has ended.
pub(super) fn local_activity(marker: &MarkerRecordedEventAttributes) -> Option<String> {
    let payload = marker.details.get("data")?.payloads.first()?;
    let data: Value = serde_json::from_slice(&payload.data).ok()?;
    data["activity_type"].as_str().map(str::to_owned)
}

/// All texts in a history.
pub(super) fn texts(name: &str) -> Vec<String> {
    let bytes = std::fs::read(folder().join(format!("{name}.json"))).expect("the file can be read");
    let mut texts = Vec::new();
    collect(&serde_json::from_slice(&bytes).expect("it is JSON"), &mut texts);
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        _ => {}
    }
}
