//! When a step counts as stuck.

use std::time::Duration;

use crate::saga::table::{Step, StuckThreshold};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    /// The stuck limit (`STUCK_AFTER_MS`).
    pub(crate) limit: Duration,
    /// The deadline of an order (`SAGA_DEADLINE_MS`).
    pub(crate) deadline: Duration,
}

impl Thresholds {
    /// The threshold for a step. A step from a newer release, which is unknown here, has the longest threshold.
    pub(super) fn for_step(self, step: Option<Step>) -> Duration {
        match step.map(|step| step.row().stuck) {
            Some(StuckThreshold::Limit) => self.limit,
            Some(StuckThreshold::LimitOrDeadline) => self.limit.max(self.deadline),
            Some(StuckThreshold::LimitAfterDeadline) | None => self.no_pending_activity(),
        }
    }

    /// The threshold for a running saga without a pending activity: no worker runs it, or no worker can run it.
    pub(super) fn no_pending_activity(self) -> Duration {
        self.deadline + self.limit
    }
}
