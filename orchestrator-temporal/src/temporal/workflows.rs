//! Workflows: start, describe, list, wait for, cancel.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use common::contract::{Fingerprint, SagaOrder};
use common::ids::SagaId;
use futures::StreamExt;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{
    Client, RetryOptions, RpcOptions, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionStatus,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowListOptions, WorkflowStartOptions,
};
use temporalio_common::MemoValues;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::{Temporal, TemporalError};
use crate::saga::{OrderSaga, SagaInput, SagaOutcome};

/// The time limit of a call to Temporal, including its retries.
const CALL_LIMIT: Duration = Duration::from_secs(4);
/// The time limit for starting a workflow. Under load a start waits inside Temporal, and a long wait is better for the
/// client than the answer "may have started".
const START_LIMIT: Duration = Duration::from_secs(12);
const LIST_TIME_LIMIT: Duration = Duration::from_secs(20);
const LIST_LIMIT: usize = 50_000;
/// The memo field with the order, for readers that know only the workflow's id.
const MEMO_ORDER: &str = "order";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Started,
    AlreadyExists,
}

pub(crate) struct WorkflowInfo {
    pub(crate) state: RunState,
    pub(crate) order: Option<SagaOrder>,
    /// The steps that are waiting or running as durable attempts.
    pub(crate) pending: Vec<PendingActivity>,
}

impl WorkflowInfo {
    pub(crate) fn belongs_to(&self, request: &Fingerprint) -> bool {
        self.order.as_ref().is_some_and(|order| order.fingerprint == *request)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    Running,
    Completed,
    /// The workflow ended without an outcome, for example because it was terminated. Its rows may be unfinished.
    Aborted,
}

/// A step that is waiting or running as a durable attempt.
pub(crate) struct PendingActivity {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) attempt: u32,
    pub(crate) last_failure: Option<String>,
    /// When Temporal last scheduled, started or ended an attempt, by Temporal's clock.
    pub(crate) last_event: Option<SystemTime>,
}

impl From<&PendingActivityInfo> for PendingActivity {
    fn from(activity: &PendingActivityInfo) -> Self {
        let times = [activity.scheduled_time, activity.last_started_time, activity.last_attempt_complete_time];
        Self {
            id: activity.activity_id.clone(),
            name: activity.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
            attempt: activity.attempt.unsigned_abs(),
            last_failure: activity.last_failure.as_ref().map(|failure| failure.message.clone()),
            last_event: times.into_iter().flatten().filter_map(|time| SystemTime::try_from(time).ok()).max(),
        }
    }
}

impl Temporal {
    /// Starts a workflow, unless one with its id already exists.
    pub(crate) async fn start(&self, input: &SagaInput) -> Result<Start, TemporalError> {
        self.start_unless(input, WorkflowIdReusePolicy::RejectDuplicate).await
    }

    /// Starts a workflow, unless one with its id is running or has completed. The rows make a second run safe.
    pub(crate) async fn start_after_abort(&self, input: &SagaInput) -> Result<Start, TemporalError> {
        self.start_unless(input, WorkflowIdReusePolicy::AllowDuplicateFailedOnly).await
    }

    /// Starts a workflow, unless one with its id is running. The rows make a second run safe.
    pub(crate) async fn start_unless_running(&self, input: &SagaInput) -> Result<Start, TemporalError> {
        self.start_unless(input, WorkflowIdReusePolicy::AllowDuplicate).await
    }

    async fn start_unless(&self, input: &SagaInput, reuse: WorkflowIdReusePolicy) -> Result<Start, TemporalError> {
        let client = self.connected()?;
        let mut memo = MemoValues::new();
        memo.insert(MEMO_ORDER, input.order.clone());
        let options = WorkflowStartOptions::new(&self.settings.task_queue, input.order.saga_id.as_str())
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .id_reuse_policy(reuse)
            .enable_eager_workflow_start(true)
            .memo(memo)
            .rpc_options(rpc_within(START_LIMIT))
            .build();
        match within(START_LIMIT, client.start_workflow(OrderSaga::run, input.clone(), options)).await? {
            Ok(_) => Ok(Start::Started),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Start::AlreadyExists),
            Err(error) => Err(TemporalError::client(error)),
        }
    }

    /// What Temporal knows about a workflow, or `None` if it knows no such workflow.
    pub(crate) async fn describe(&self, saga: &SagaId) -> Result<Option<WorkflowInfo>, TemporalError> {
        let handle = self.handle(saga)?;
        let options = WorkflowDescribeOptions::builder().rpc_options(rpc()).build();
        let described = match within(CALL_LIMIT, handle.describe(options)).await? {
            Ok(described) => described,
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(TemporalError::client(error)),
        };
        let state = match described.status() {
            WorkflowExecutionStatus::Running => RunState::Running,
            WorkflowExecutionStatus::Completed => RunState::Completed,
            _ => RunState::Aborted,
        };
        let pending = described.raw().pending_activities.iter().map(PendingActivity::from).collect();
        let order = described.memo().get::<SagaOrder>(MEMO_ORDER).ok().flatten();
        Ok(Some(WorkflowInfo { state, order, pending }))
    }

    /// All running workflows of this task queue, with their start times.
    pub(crate) async fn list_running(&self) -> Result<Vec<(SagaId, Option<SystemTime>)>, TemporalError> {
        let queue = &self.settings.task_queue;
        let query = format!("WorkflowType = 'OrderSaga' AND ExecutionStatus = 'Running' AND TaskQueue = '{queue}'");
        let options = WorkflowListOptions::builder().limit(LIST_LIMIT).rpc_options(rpc()).build();
        let client = self.connected()?;
        let listed: Vec<_> = within(LIST_TIME_LIMIT, client.list_workflows(query, options).collect()).await?;
        let mut running = Vec::with_capacity(listed.len());
        for workflow in listed {
            let workflow = workflow.map_err(TemporalError::client)?;
            running.extend(workflow.id().parse().ok().map(|saga: SagaId| (saga, workflow.start_time())));
        }
        Ok(running)
    }

    /// When each durable step of a workflow was first scheduled, by activity id.
    pub(crate) async fn scheduled_times(&self, saga: &SagaId) -> Result<HashMap<String, SystemTime>, TemporalError> {
        let options = WorkflowFetchHistoryOptions::builder().rpc_options(rpc()).build();
        let history = self.handle(saga)?.fetch_history(options).into_events();
        let events = within(CALL_LIMIT, history).await?.map_err(TemporalError::client)?;
        let scheduled = events.into_iter().filter_map(|event| match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(step)) => {
                Some((step.activity_id, event.event_time?.try_into().ok()?))
            }
            _ => None,
        });
        Ok(scheduled.collect())
    }

    /// Waits for a workflow's outcome. `None` if it ended without one.
    pub(crate) async fn outcome(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, TemporalError> {
        match self.handle(saga)?.get_result(WorkflowGetResultOptions::default()).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(WorkflowGetResultError::Rpc(status)) => Err(TemporalError::client(status)),
            Err(error) => {
                tracing::error!(saga_id = saga.as_str(), %error, "a saga ended without an outcome");
                Ok(None)
            }
        }
    }

    /// The outcome of a completed workflow.
    pub(crate) async fn completed_outcome(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, TemporalError> {
        within(CALL_LIMIT, self.outcome(saga)).await?
    }

    pub(crate) async fn cancel(&self, saga: &SagaId, reason: &str) -> Result<(), TemporalError> {
        let options = WorkflowCancelOptions::builder().reason(reason).rpc_options(rpc()).build();
        match within(CALL_LIMIT, self.handle(saga)?.cancel(options)).await? {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(TemporalError::client(error)),
        }
    }

    fn handle(&self, saga: &SagaId) -> Result<WorkflowHandle<Client, OrderSaga>, TemporalError> {
        Ok(self.connected()?.get_workflow_handle::<OrderSaga>(saga.as_str()))
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, TemporalError> {
    tokio::time::timeout(limit, call).await.map_err(|_| TemporalError::Timeout(limit))
}

fn rpc() -> RpcOptions {
    rpc_within(CALL_LIMIT)
}

fn rpc_within(limit: Duration) -> RpcOptions {
    let retry = RetryOptions::builder().max_interval(Duration::from_millis(500)).build();
    RpcOptions::builder().timeout(limit).retry_options(retry).build()
}
