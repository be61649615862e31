//! Every time limit and retry number of the saga, in one place.

use std::time::Duration;

use temporalio_sdk::{ActivityOptions, LocalActivityOptions};
use temporalio_workflow::{RetryPolicy, WorkflowCancellationToken};

/// One quick attempt.
const QUICK_ATTEMPT: Duration = Duration::from_millis(900);
/// Quick attempts, with a pause between them: 2 s in all at the most. Without a number of attempts a local activity
/// would be tried for ever.
const QUICK_ATTEMPTS: u32 = 2;
const QUICK_PAUSE: Duration = Duration::from_millis(100);
/// Once this much of a workflow task has gone into quick attempts, steps go straight to a regular activity: what runs
/// in one task is lost together if the worker dies, and nothing reaches the workflow meanwhile. With the steps that
/// have begun by then a task stays within 6 s, below the 8 s at which Temporal would ask for a heartbeat.
pub(super) const QUICK_BUDGET: Duration = Duration::from_secs(4);

/// One attempt, as a regular activity, of a step that waits for the card network.
const NETWORK_ATTEMPT: Duration = Duration::from_secs(10);
/// One attempt of any other: a change of a row. Longer than one try of a transaction (4 s), shorter than the network's,
/// because it holds a worker slot: orders whose service hangs are to leave room for others.
const ROW_ATTEMPT: Duration = Duration::from_secs(5);
/// Temporal allows an attempt so much more than it allows itself, so that it is the attempt that says why it failed.
const MARGIN: Duration = Duration::from_secs(1);
const DURABLE_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between attempts before the pivot.
const FORWARD_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between attempts of an undo or a confirm: somebody's money or goods wait for it.
const UNTIL_DONE_PAUSE: Duration = Duration::from_secs(10);
/// After an attempt that ended for good although it must not (a fault of ours), this long until the next.
pub(super) const FAULT_PAUSE: Duration = Duration::from_secs(30);

/// What may be tried how long, as a regular activity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Before the pivot.
    Forward,
    /// An undo or a confirm.
    UntilDone,
}

/// A quick try, inside the workflow task. Its own token: a cancel of the workflow does not end it half way.
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

/// How long one attempt of a step may take as a regular activity.
pub(super) fn attempt(step: &str) -> Duration {
    match step {
        "payment.pay" | "payment.settle" => NETWORK_ATTEMPT,
        _ => ROW_ATTEMPT,
    }
}

/// A durable try of a step, without a limit of attempts, until `token` is cancelled.
pub(super) fn durable(step: &str, kind: Kind, token: &WorkflowCancellationToken) -> ActivityOptions {
    let longest_pause = match kind {
        Kind::Forward => FORWARD_PAUSE,
        Kind::UntilDone => UNTIL_DONE_PAUSE,
    };
    let retry = RetryPolicy::builder()
        .initial_interval(DURABLE_PAUSE)
        .maximum_interval(longest_pause)
        .maximum_attempts(0)
        .build();
    ActivityOptions::with_start_to_close_timeout(attempt(step) + MARGIN)
        .retry_policy(retry)
        .cancellation_token(token.clone())
        .build()
}
