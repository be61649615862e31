//! Sagas as Temporal knows them: start, follow, cancel.

use std::time::Duration;

use common::contract::SagaOrder;
use common::ids::SagaId;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{
    Client, RetryOptions, RpcOptions, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionDescription,
    WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    WorkflowStartOptions,
};
use temporalio_common::MemoValues;

use super::Temporal;
use crate::saga::{OrderSaga, SagaInput, SagaOutcome};

/// One call of Temporal, its retries included.
const CALL_LIMIT: Duration = Duration::from_secs(4);
/// The start of a saga: in a rush it waits for its turn there, and "may have started" helps nobody who would wait for
/// the order's end anyway.
const START_LIMIT: Duration = Duration::from_secs(12);
/// The memo in which the order stands, for whoever has only the workflow's id.
const MEMO_ORDER: &str = "order";

/// Temporal did not answer.
#[derive(Debug, thiserror::Error)]
#[error("Temporal did not answer: {0}")]
pub(crate) struct EngineError(pub(crate) String);

/// What came of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// The saga runs.
    Now,
    /// A saga with this id runs or ran before.
    Before,
}

/// What Temporal knows of a saga.
pub(crate) struct Known {
    /// Where it stands.
    pub(crate) state: RunState,
    /// The order that it was started with.
    pub(crate) order: Option<SagaOrder>,
    /// The steps that are waiting or running as regular activities.
    pub(crate) steps: Vec<String>,
}

impl Known {
    /// Was it started for this order, by the request's fingerprint?
    pub(crate) fn is_for(&self, order: &SagaOrder) -> bool {
        self.order.as_ref().is_some_and(|first| first.fingerprint == order.fingerprint)
    }
}

/// Where a saga's workflow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    /// It runs.
    Running,
    /// It completed.
    Completed,
    /// It ended some other way, such as by a terminate: its rows may be unfinished.
    Lost,
}

impl Temporal {
    /// Starts a saga, unless one with its id runs or ran.
    pub(crate) async fn start(&self, input: &SagaInput) -> Result<Started, EngineError> {
        self.start_unless(input, WorkflowIdReusePolicy::RejectDuplicate).await
    }

    /// Starts a lost saga again, unless one with its id runs or has completed. The rows make that safe.
    pub(crate) async fn start_again(&self, input: &SagaInput) -> Result<Started, EngineError> {
        self.start_unless(input, WorkflowIdReusePolicy::AllowDuplicateFailedOnly).await
    }

    /// Starts a saga whatever became of those with its id before, unless one runs. The rows make that safe.
    pub(crate) async fn start_over(&self, input: &SagaInput) -> Result<Started, EngineError> {
        self.start_unless(input, WorkflowIdReusePolicy::AllowDuplicate).await
    }

    async fn start_unless(&self, input: &SagaInput, reuse: WorkflowIdReusePolicy) -> Result<Started, EngineError> {
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
            Ok(_) => Ok(Started::Now),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Started::Before),
            Err(error) => Err(EngineError(error.to_string())),
        }
    }

    /// What is known of a saga; `None` if Temporal knows nothing of it.
    pub(crate) async fn describe(&self, saga: &SagaId) -> Result<Option<Known>, EngineError> {
        let Some((_, described)) = self.described(saga).await? else { return Ok(None) };
        let state = match described.status() {
            WorkflowExecutionStatus::Running => RunState::Running,
            WorkflowExecutionStatus::Completed => RunState::Completed,
            _ => RunState::Lost,
        };
        let pending = &described.raw().pending_activities;
        let steps = pending.iter().filter_map(|step| Some(step.activity_type.as_ref()?.name.clone())).collect();
        let order = described.memo().get::<SagaOrder>(MEMO_ORDER).ok().flatten();
        Ok(Some(Known { state, order, steps }))
    }

    /// A saga's handle with all that Temporal says of it; `None` if it knows nothing.
    pub(super) async fn described(
        &self,
        saga: &SagaId,
    ) -> Result<Option<(WorkflowHandle<Client, OrderSaga>, WorkflowExecutionDescription)>, EngineError> {
        let handle = self.connected()?.get_workflow_handle::<OrderSaga>(saga.as_str());
        let options = WorkflowDescribeOptions::builder().rpc_options(rpc()).build();
        match limited(handle.describe(options)).await? {
            Ok(described) => Ok(Some((handle, described))),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(None),
            Err(error) => Err(EngineError(error.to_string())),
        }
    }

    /// Waits for a saga's outcome; `None` if it ended without one (terminated, failed).
    pub(crate) async fn outcome(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, EngineError> {
        let handle = self.connected()?.get_workflow_handle::<OrderSaga>(saga.as_str());
        match handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(WorkflowGetResultError::Rpc(status)) => Err(EngineError(status.to_string())),
            Err(error) => {
                tracing::error!(saga_id = saga.as_str(), %error, "a saga ended without an outcome");
                Ok(None)
            }
        }
    }

    /// The outcome of a saga that has completed: there is nothing to wait for but Temporal, and not for ever.
    pub(crate) async fn outcome_of_ended(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, EngineError> {
        limited(self.outcome(saga)).await?
    }

    /// Asks a running saga to look up from what it waits for.
    pub(crate) async fn cancel(&self, saga: &SagaId, reason: &str) -> Result<(), EngineError> {
        let handle = self.connected()?.get_workflow_handle::<OrderSaga>(saga.as_str());
        let options = WorkflowCancelOptions::builder().reason(reason).rpc_options(rpc()).build();
        match limited(handle.cancel(options)).await? {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(EngineError(error.to_string())),
        }
    }

    pub(super) fn connected(&self) -> Result<Client, EngineError> {
        self.client().ok_or_else(|| EngineError("not connected yet".to_owned()))
    }
}

pub(super) async fn limited<T>(call: impl Future<Output = T>) -> Result<T, EngineError> {
    within(CALL_LIMIT, call).await
}

pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, EngineError> {
    let answer = tokio::time::timeout(limit, call).await;
    answer.map_err(|_| EngineError(format!("no answer within {} s", limit.as_secs())))
}

pub(super) fn rpc() -> RpcOptions {
    rpc_within(CALL_LIMIT)
}

fn rpc_within(limit: Duration) -> RpcOptions {
    let retry = RetryOptions::builder().max_interval(Duration::from_millis(500)).build();
    RpcOptions::builder().timeout(limit).retry_options(retry).build()
}
