//! Steps that have been tried for long.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use common::ids::SagaId;
use futures::StreamExt;
use futures::stream;
use temporalio_client::{
    Client, WorkflowExecutionStatus, WorkflowFetchHistoryOptions, WorkflowHandle, WorkflowListOptions,
};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::sagas::{limited, rpc, within};
use super::{EngineError, Temporal};
use crate::saga::{OrderSaga, Patience};

/// As many running sagas are listed, which costs little.
const LIST_LIMIT: usize = 50_000;
/// As many of them, the oldest, are looked at.
const LOOK_LIMIT: usize = 1000;
/// As many of them at the same time.
const AT_ONCE: usize = 8;
/// How long the list of all running sagas may take.
const LIST_TIME: Duration = Duration::from_secs(20);

/// A step that has not been done for long, or a saga that nobody runs.
pub(crate) struct StuckStep {
    pub(crate) saga: SagaId,
    /// `workflow` if none of its steps is being tried.
    pub(crate) step: String,
    pub(crate) age: Duration,
    pub(crate) attempt: u32,
    pub(crate) last_failure: Option<String>,
}

impl Temporal {
    /// Steps of all running sagas that have been tried for too long.
    pub(crate) async fn stuck(&self, patience: Patience) -> Result<Vec<StuckStep>, EngineError> {
        let client = self.connected()?;
        let queue = &self.settings.task_queue;
        let query = format!("WorkflowType = 'OrderSaga' AND ExecutionStatus = 'Running' AND TaskQueue = '{queue}'");
        let options = WorkflowListOptions::builder().limit(LIST_LIMIT).rpc_options(rpc()).build();
        let listed: Vec<_> = within(LIST_TIME, client.list_workflows(query, options).collect::<Vec<_>>()).await?;
        let mut running: Vec<(Option<SystemTime>, SagaId)> = Vec::with_capacity(listed.len());
        for found in listed {
            let found = found.map_err(|error| EngineError(error.to_string()))?;
            running.extend(found.id().parse::<SagaId>().ok().map(|saga| (found.start_time(), saga)));
        }
        self.ages.keep(&running.iter().map(|(_, saga)| saga.clone()).collect());
        running.sort_by_key(|(started, _)| *started);
        let looked_at: Vec<_> = stream::iter(running.into_iter().take(LOOK_LIMIT))
            .map(|(_, saga)| async move { self.stuck_steps_of(&saga, patience).await })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let steps: Result<Vec<Vec<_>>, _> = looked_at.into_iter().collect();
        Ok(steps?.into_iter().flatten().collect())
    }

    /// Steps of one saga that have been tried for too long.
    pub(crate) async fn stuck_steps_of(
        &self,
        saga: &SagaId,
        patience: Patience,
    ) -> Result<Vec<StuckStep>, EngineError> {
        let Some((handle, described)) = self.described(saga).await? else { return Ok(Vec::new()) };
        let tried = &described.raw().pending_activities;
        if tried.is_empty() && described.status() == WorkflowExecutionStatus::Running {
            return Ok(self.silent(saga, patience).into_iter().collect());
        }
        self.ages.end_of_silence(saga);
        if tried.is_empty() {
            return Ok(Vec::new());
        }
        if tried.iter().any(|step| self.ages.known(saga, &step.activity_id).is_none()) {
            self.note_ages(saga, &handle, tried).await?;
        }
        let steps = tried.iter().filter_map(|step| {
            let age = self.ages.known(saga, &step.activity_id)?;
            (age >= patience.with(name(step))).then(|| StuckStep {
                saga: saga.clone(),
                step: name(step).to_owned(),
                age,
                attempt: step.attempt.unsigned_abs(),
                last_failure: step.last_failure.as_ref().map(|failure| failure.message.clone()),
            })
        });
        Ok(steps.collect())
    }

    /// Learns from the history when each step began; for all that follows, what was learned once is enough.
    async fn note_ages(
        &self,
        saga: &SagaId,
        handle: &WorkflowHandle<Client, OrderSaga>,
        tried: &[PendingActivityInfo],
    ) -> Result<(), EngineError> {
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
        for step in tried {
            let age = begun.get(&step.activity_id).and_then(|begun| last_tried(step)?.duration_since(*begun).ok());
            self.ages.note(saga, &step.activity_id, age.unwrap_or_default());
        }
        Ok(())
    }

    /// Has nobody tried a step of this saga for too long, as far as [`Self::stuck`] has seen?
    pub(crate) fn has_been_silent(&self, saga: &SagaId, patience: Patience) -> bool {
        self.ages.known_silence(saga).is_some_and(|age| age >= patience.with_silence())
    }

    fn silent(&self, saga: &SagaId, patience: Patience) -> Option<StuckStep> {
        let age = self.ages.of_silence(saga);
        (age >= patience.with_silence()).then(|| StuckStep {
            saga: saga.clone(),
            step: "workflow".to_owned(),
            age,
            attempt: 0,
            last_failure: Some("no step of it is being tried: is there a worker, and can it run this saga?".to_owned()),
        })
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
