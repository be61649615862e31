//! The retry policies of the saga, and the time limits that are the same for all steps. `table.rs` has the limits that
//! differ from step to step.

use std::time::Duration;

use temporalio_sdk::{ActivityOptions, LocalActivityOptions};
use temporalio_workflow::{RetryPolicy, WorkflowCancellationToken};

use super::table::{Kind, Step};

const QUICK_ATTEMPT: Duration = Duration::from_millis(900);
/// The number of quick attempts of a step. With the pause between them they take at most 2 s. Without a limit, a local
/// activity is retried forever.
const QUICK_ATTEMPTS: u32 = 2;
const QUICK_PAUSE: Duration = Duration::from_millis(100);
/// Quick attempts may use this much of a workflow task. After that, steps start with a durable attempt. Temporal loses
/// all quick attempts of a task together if the worker dies, and signals do not reach the workflow during a task. This
/// way a task ends within 6 s, before the limit of 8 s after which Temporal would require a heartbeat.
pub(super) const QUICK_BUDGET: Duration = Duration::from_secs(4);

/// Temporal's time limit is this much longer than the limit in the activity, so that the activity reports the error.
const MARGIN: Duration = Duration::from_secs(1);
const DURABLE_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between durable attempts before the pivot.
const FORWARD_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between durable attempts of an undo or a confirm. It is short, because money or stock is held.
const UNTIL_DONE_PAUSE: Duration = Duration::from_secs(10);
/// The pause before the next attempt if Temporal has stopped retrying a step that must be retried (which is a bug).
pub(super) const BUG_PAUSE: Duration = Duration::from_secs(30);

/// A quick attempt. It has a separate cancellation token, so that cancelling the workflow does not interrupt it.
pub(super) fn quick() -> LocalActivityOptions {
    let retry = RetryPolicy::builder()
        .initial_interval(QUICK_PAUSE)
        .maximum_interval(QUICK_PAUSE)
        .maximum_attempts(QUICK_ATTEMPTS)
        .build();
    LocalActivityOptions::builder()
        .start_to_close_timeout(QUICK_ATTEMPT)
        .retry_policy(retry)
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// Durable attempts of a forward step, without a limit on their number, until `token` is cancelled.
pub(super) fn durable(step: Step, token: &WorkflowCancellationToken) -> ActivityOptions {
    let longest_pause = match step.row().kind {
        Kind::Compensatable | Kind::Pivot => FORWARD_PAUSE,
        Kind::UntilDone => UNTIL_DONE_PAUSE,
    };
    retried(step, longest_pause, token)
}

/// Durable attempts of a step that must now be done, whatever its kind. Nothing cancels them.
pub(super) fn until_done(step: Step) -> ActivityOptions {
    retried(step, UNTIL_DONE_PAUSE, &WorkflowCancellationToken::new())
}

fn retried(step: Step, longest_pause: Duration, token: &WorkflowCancellationToken) -> ActivityOptions {
    let retry = RetryPolicy::builder()
        .initial_interval(DURABLE_PAUSE)
        .maximum_interval(longest_pause)
        .maximum_attempts(0)
        .build();
    ActivityOptions::with_start_to_close_timeout(step.row().attempt_limit + MARGIN)
        .retry_policy(retry)
        .cancellation_token(token.clone())
        .build()
}
