//! Stuck orders: a step has been waiting for longer than its threshold, so an operator should look.
//!
//! A stuck order is listed and counted, and its saga keeps retrying the step.

mod thresholds;
mod waiting_since;

use std::collections::BTreeSet;
use std::time::Duration;

use common::contract::order::StuckOrder;
use common::ids::SagaId;
use common::telemetry::error_chain;
use futures::{StreamExt, stream};
pub(crate) use thresholds::Thresholds;

use self::waiting_since::{Waiting, WaitingSince};
use crate::saga::table::Step;
use crate::temporal::{PendingActivity, RunState, Temporal, TemporalError};

/// At most this many running workflows are described: the oldest ones.
const DESCRIBE_LIMIT: usize = 1000;
/// At most this many workflows are described at the same time.
const DESCRIBE_CONCURRENCY: usize = 8;
const UPDATE_INTERVAL: Duration = Duration::from_secs(10);

/// Finds stuck orders. All clones share the recorded waiting times.
#[derive(Clone)]
pub(crate) struct StuckOrders {
    temporal: Temporal,
    thresholds: Thresholds,
    waiting: WaitingSince,
}

impl StuckOrders {
    pub(crate) fn new(temporal: Temporal, thresholds: Thresholds) -> Self {
        Self { temporal, thresholds, waiting: WaitingSince::default() }
    }

    pub(crate) async fn list(&self) -> Result<Vec<StuckOrder>, TemporalError> {
        let mut running = self.temporal.list_running().await?;
        self.waiting.retain(&running.iter().map(|(saga, _)| saga.clone()).collect());
        running.sort_by_key(|(_, started)| *started);
        let found: Vec<_> = stream::iter(running.into_iter().take(DESCRIBE_LIMIT))
            .map(|(saga, _)| async move { self.stuck_steps(&saga).await })
            .buffer_unordered(DESCRIBE_CONCURRENCY)
            .collect()
            .await;
        let found: Result<Vec<Vec<_>>, _> = found.into_iter().collect();
        let mut stuck: Vec<_> = found?.into_iter().flatten().collect();
        stuck.sort_by_key(|step| std::cmp::Reverse(step.age_seconds));
        Ok(stuck)
    }

    pub(crate) async fn is_stuck(&self, saga: &SagaId, pending: &[PendingActivity]) -> Result<bool, TemporalError> {
        if pending.is_empty() {
            let age = self.waiting.age(saga, Waiting::Worker);
            return Ok(age.is_some_and(|age| age >= self.thresholds.no_pending_activity()));
        }
        self.waiting.forget(saga, Waiting::Worker);
        Ok(!self.stuck_activities(saga, pending).await?.is_empty())
    }

    async fn stuck_steps(&self, saga: &SagaId) -> Result<Vec<StuckOrder>, TemporalError> {
        let Some(info) = self.temporal.describe(saga).await? else { return Ok(Vec::new()) };
        if info.pending.is_empty() && info.state == RunState::Running {
            return Ok(self.without_worker(saga).into_iter().collect());
        }
        self.waiting.forget(saga, Waiting::Worker);
        self.stuck_activities(saga, &info.pending).await
    }

    async fn stuck_activities(
        &self,
        saga: &SagaId,
        pending: &[PendingActivity],
    ) -> Result<Vec<StuckOrder>, TemporalError> {
        let age = |activity: &PendingActivity| self.waiting.age(saga, Waiting::Activity(activity.id.clone()));
        if pending.iter().any(|activity| age(activity).is_none()) {
            self.record_ages(saga, pending).await?;
        }
        let stuck = pending.iter().filter_map(|activity| {
            let age = age(activity)?;
            let threshold = self.thresholds.for_step(Step::from_name(&activity.name));
            (age >= threshold).then(|| StuckOrder {
                workflow_id: saga.clone(),
                step: activity.name.clone(),
                age_seconds: age.as_secs(),
                attempt: activity.attempt,
                last_failure: activity.last_failure.clone(),
            })
        });
        Ok(stuck.collect())
    }

    /// Records how long each pending activity had waited at its last attempt. The history says when it was scheduled.
    async fn record_ages(&self, saga: &SagaId, pending: &[PendingActivity]) -> Result<(), TemporalError> {
        let scheduled = self.temporal.scheduled_times(saga).await?;
        for activity in pending {
            let age = scheduled.get(&activity.id).and_then(|at| activity.last_event?.duration_since(*at).ok());
            self.waiting.record(saga, Waiting::Activity(activity.id.clone()), age.unwrap_or_default());
        }
        Ok(())
    }

    fn without_worker(&self, saga: &SagaId) -> Option<StuckOrder> {
        self.waiting.record(saga, Waiting::Worker, Duration::ZERO);
        let age = self.waiting.age(saga, Waiting::Worker).unwrap_or_default();
        (age >= self.thresholds.no_pending_activity()).then(|| StuckOrder {
            workflow_id: saga.clone(),
            step: "workflow".to_owned(),
            age_seconds: age.as_secs(),
            attempt: 0,
            last_failure: Some("no step is pending: check that a worker is running and can run this saga".to_owned()),
        })
    }

    /// Updates the metric `orders_stuck` until the process ends.
    pub(crate) async fn watch(&self) {
        let gauge = metrics::gauge!("orders_stuck");
        loop {
            tokio::time::sleep(UPDATE_INTERVAL).await;
            match self.list().await {
                Ok(stuck) => {
                    let orders: BTreeSet<_> = stuck.iter().map(|step| step.workflow_id.as_str()).collect();
                    gauge.set(u32::try_from(orders.len()).unwrap_or(u32::MAX));
                    for step in &stuck {
                        let (saga_id, step) = (step.workflow_id.as_str(), step.step.as_str());
                        tracing::warn!(saga_id, step, "an order is stuck");
                    }
                }
                // The gauge keeps its value: an order that was stuck is probably still stuck.
                Err(error) => tracing::warn!(error = error_chain(&error), "cannot count the stuck orders"),
            }
        }
    }
}
