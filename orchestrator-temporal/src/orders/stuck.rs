//! Orders that need a person are seen, not parked: they are listed, counted, and go on by themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use common::contract::order::StuckOrder;
use common::ids::SagaId;

use super::{Error, Orders};

/// How often the count is brought up to date.
const PAUSE: Duration = Duration::from_secs(10);

impl Orders {
    /// Every step that is stuck, a line each.
    pub(crate) async fn stuck(&self) -> Result<Vec<StuckOrder>, Error> {
        let steps = self.temporal.stuck(self.limits.patience()).await?;
        let mut stuck: Vec<_> = steps
            .into_iter()
            .map(|step| StuckOrder {
                workflow_id: step.saga,
                step: step.step,
                age_seconds: step.age.as_secs(),
                attempt: step.attempt,
                last_failure: step.last_failure,
            })
            .collect();
        stuck.sort_by_key(|step| std::cmp::Reverse(step.age_seconds));
        Ok(stuck)
    }

    /// Is this saga stuck? `steps` are those that it waits for.
    pub(super) async fn is_stuck(&self, saga: &SagaId, steps: &[String]) -> Result<bool, Error> {
        let patience = self.limits.patience();
        if steps.is_empty() {
            return Ok(self.temporal.has_been_silent(saga, patience));
        }
        Ok(!self.temporal.stuck_steps_of(saga, patience).await?.is_empty())
    }

    /// Keeps the metric `orders_stuck` up to date until the process ends.
    pub(crate) async fn watch_stuck(&self) {
        let gauge = metrics::gauge!("orders_stuck");
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.stuck().await {
                Ok(stuck) => {
                    let orders: BTreeSet<_> = stuck.iter().map(|step| step.workflow_id.as_str()).collect();
                    gauge.set(u32::try_from(orders.len()).unwrap_or(u32::MAX));
                    for step in &stuck {
                        let (saga_id, step) = (step.workflow_id.as_str(), step.step.as_str());
                        tracing::warn!(saga_id, step, "an order is stuck");
                    }
                }
                // The count of before stands: what was stuck then is likely to be so still.
                Err(error) => tracing::warn!(%error, "stuck orders could not be counted"),
            }
        }
    }
}
