//! Steps that have been tried for long.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use common::ids::SagaId;
use futures::StreamExt;
use futures::stream;
use temporalio_client::{WorkflowFetchHistoryOptions, WorkflowListOptions};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::sagas::{limited, rpc};
use super::{EngineError, Temporal};
use crate::saga::is_until_done;

/// As many running sagas are looked at.
const LIST_LIMIT: usize = 1000;
/// As many of them at the same time.
const AT_ONCE: usize = 8;

/// An undo or a confirm that has been tried for long.
pub(crate) struct StuckStep {
    pub(crate) saga: SagaId,
    pub(crate) step: String,
    pub(crate) age: Duration,
    pub(crate) attempt: u32,
    pub(crate) last_failure: Option<String>,
}

impl Temporal {
    /// Steps of all running sagas that have been tried for at least so long.
    pub(crate) async fn stuck(&self, limit: Duration) -> Result<Vec<StuckStep>, EngineError> {
        let client = self.connected()?;
        let queue = &self.settings.task_queue;
        let query = format!("WorkflowType = 'OrderSaga' AND ExecutionStatus = 'Running' AND TaskQueue = '{queue}'");
        let options = WorkflowListOptions::builder().limit(LIST_LIMIT).rpc_options(rpc()).build();
        let running: Vec<_> = limited(client.list_workflows(query, options).collect::<Vec<_>>()).await?;
        let mut sagas: Vec<SagaId> = Vec::with_capacity(running.len());
        for found in running {
            let found = found.map_err(|error| EngineError(error.to_string()))?;
            sagas.extend(found.id().parse::<SagaId>().ok());
        }
        self.ages.keep(&sagas.iter().cloned().collect());
        let looked_at: Vec<_> = stream::iter(sagas)
            .map(|saga| async move { self.stuck_steps_of(&saga, limit).await })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let steps: Result<Vec<Vec<_>>, _> = looked_at.into_iter().collect();
        Ok(steps?.into_iter().flatten().collect())
    }

    /// Steps of one saga that have been tried for at least so long.
    pub(crate) async fn stuck_steps_of(&self, saga: &SagaId, limit: Duration) -> Result<Vec<StuckStep>, EngineError> {
        let Some((handle, described)) = self.described(saga).await? else { return Ok(Vec::new()) };
        let pending: Vec<_> =
            described.raw().pending_activities.iter().filter(|step| is_until_done(name(step))).collect();
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let options = WorkflowFetchHistoryOptions::builder().rpc_options(rpc()).build();
        let events = limited(handle.fetch_history(options).into_events()).await?;
        let begun: HashMap<String, SystemTime> = events
            .map_err(|error| EngineError(error.to_string()))?
            .into_iter()
            .filter_map(|event| {
                let Some(Attributes::ActivityTaskScheduledEventAttributes(step)) = event.attributes else {
                    return None;
                };
                Some((step.activity_id, event.event_time?.try_into().ok()?))
            })
            .collect();
        let steps = pending.into_iter().filter_map(|step| {
            let known = last_tried(step)?.duration_since(*begun.get(&step.activity_id)?).ok()?;
            let age = self.ages.of(saga, &step.activity_id, known);
            (age >= limit).then(|| StuckStep {
                saga: saga.clone(),
                step: name(step).to_owned(),
                age,
                attempt: step.attempt.unsigned_abs(),
                last_failure: step.last_failure.as_ref().map(|failure| failure.message.clone()),
            })
        });
        Ok(steps.collect())
    }
}

fn name(step: &PendingActivityInfo) -> &str {
    step.activity_type.as_ref().map_or("", |activity| activity.name.as_str())
}

/// When Temporal last had to do with the step, by Temporal's clock.
fn last_tried(step: &PendingActivityInfo) -> Option<SystemTime> {
    [step.scheduled_time, step.last_started_time, step.last_attempt_complete_time]
        .into_iter()
        .flatten()
        .filter_map(|time| SystemTime::try_from(time).ok())
        .max()
}
