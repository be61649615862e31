//! How one step of the saga runs on Temporal: a quick local activity first, then a regular one, which is durable.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use common::contract::Code;
use temporalio_common::ActivityDefinition;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_sdk::workflows::{join, select};
use temporalio_sdk::{ActivityExecutionError, WorkflowContext};
use temporalio_workflow::{TimerOptions, WorkflowCancellationToken};

use super::policy::{self, Kind};
use super::workflow::OrderSaga;

/// Why the saga does not go on forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// A step was refused, with this code.
    Refused(Code),
    /// The workflow was asked to cancel.
    Cancelled,
    /// The deadline is over.
    Deadline,
    /// The other step of the stage was refused.
    Sibling,
}

/// Runs steps.
pub(super) struct Steps {
    ctx: WorkflowContext<OrderSaga>,
    deadline: SystemTime,
    /// When the workflow task that runs now began, as far as its steps know.
    task_began: Cell<SystemTime>,
}

/// Steps that run side by side: a refusal of one ends the wait of the other.
pub(super) struct Stage<'a> {
    steps: &'a Steps,
    refused: WorkflowCancellationToken,
}

/// An activity named twice: the SDK's constants can be neither copied nor cloned.
struct ByRef<'a, A>(&'a A);

impl<A: ActivityDefinition> ActivityDefinition for ByRef<'_, A> {
    type Input = A::Input;
    type Output = A::Output;

    fn name(&self) -> &str {
        self.0.name()
    }
}

impl Steps {
    /// The deadline counts from the start of the workflow, so that a crash does not begin it anew.
    pub(super) fn new(ctx: &WorkflowContext<OrderSaga>, deadline: Duration) -> Self {
        let started = ctx.info().start_time().unwrap_or(SystemTime::UNIX_EPOCH);
        let now = ctx.workflow_time().unwrap_or(started);
        Self { ctx: ctx.clone(), deadline: started + deadline, task_began: Cell::new(now) }
    }

    /// A stage of its own.
    pub(super) fn stage(&self) -> Stage<'_> {
        Stage { steps: self, refused: WorkflowCancellationToken::new() }
    }

    /// Runs an undo or a confirm until it is done. It looks at neither cancel nor deadline, and gives up never.
    pub(super) async fn until_done<A>(&self, activity: A, input: A::Input) -> A::Output
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        if self.has_time_for_quick()
            && let Ok(output) = self.quick(&activity, &input).await
        {
            return output;
        }
        loop {
            let options = policy::durable(activity.name(), Kind::UntilDone, &WorkflowCancellationToken::new());
            let result = self.ctx.execute_activity(ByRef(&activity), input.clone(), options).await;
            self.task_begins();
            if let Ok(output) = result {
                return output;
            }
            let detached = WorkflowCancellationToken::new();
            self.ctx.timer(TimerOptions::builder(policy::FAULT_PAUSE).cancellation_token(detached).build()).await;
        }
    }

    async fn quick<A>(&self, activity: &A, input: &A::Input) -> Result<A::Output, ActivityExecutionError>
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        self.ctx.execute_local_activity(ByRef(activity), input.clone(), policy::quick()).await
    }

    fn now(&self) -> SystemTime {
        self.ctx.workflow_time().unwrap_or(self.deadline)
    }

    fn has_time_for_quick(&self) -> bool {
        self.now().duration_since(self.task_began.get()).unwrap_or_default() < policy::QUICK_BUDGET
    }

    /// A regular activity ended: a new workflow task begins.
    fn task_begins(&self) {
        self.task_began.set(self.now());
    }

    fn time_left(&self) -> Option<Duration> {
        self.deadline.duration_since(self.now()).ok().filter(|left| !left.is_zero())
    }

    fn check(&self) -> Result<(), Stop> {
        if self.ctx.cancellation_token().is_cancelled() {
            Err(Stop::Cancelled)
        } else if self.time_left().is_none() {
            Err(Stop::Deadline)
        } else {
            Ok(())
        }
    }
}

impl Stage<'_> {
    /// Two steps side by side. A refusal counts before any other stop.
    pub(super) async fn both<T, U>(
        &self,
        one: impl Future<Output = Result<T, Stop>>,
        other: impl Future<Output = Result<U, Stop>>,
    ) -> Result<(T, U), Stop> {
        match join!(one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(refused @ Stop::Refused(_)), _) | (_, Err(refused @ Stop::Refused(_))) => Err(refused),
            (Err(stop), _) | (_, Err(stop)) => Err(stop),
        }
    }

    /// Runs a forward step: quick first, then durable until it is done, refused, or the saga stops.
    pub(super) async fn step<A>(&self, activity: A, input: A::Input) -> Result<A::Output, Stop>
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        self.steps.check()?;
        if self.steps.has_time_for_quick() {
            match self.steps.quick(&activity, &input).await {
                Ok(output) => return Ok(output),
                Err(error) => self.stop_if_refused(&error)?,
            }
        }
        self.durable(&activity, input).await
    }

    async fn durable<A>(&self, activity: &A, input: A::Input) -> Result<A::Output, Stop>
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        loop {
            self.steps.check()?;
            if self.refused.is_cancelled() {
                return Err(Stop::Sibling);
            }
            let result = self.wait(activity, input.clone()).await;
            self.steps.task_begins();
            match result? {
                Ok(output) => return Ok(output),
                Err(error) => self.stop_if_refused(&error)?,
            }
            self.pause_after_fault().await;
        }
    }

    /// Without it, a step that always ends at once would fill the history.
    async fn pause_after_fault(&self) {
        let ctx = &self.steps.ctx;
        let token = WorkflowCancellationToken::new();
        let pause = policy::FAULT_PAUSE.min(self.steps.time_left().unwrap_or_default());
        let mut timer = ctx.timer(TimerOptions::builder(pause).cancellation_token(token.clone()).build());
        select! {
            _ = timer => {},
            _ = ctx.cancelled() => {},
            () = self.refused.cancelled() => {},
        }
        token.cancel();
    }

    /// Waits for a regular activity, and for everything that ends the wait. Its own token: cancelling it ends the
    /// retries, too.
    async fn wait<A>(&self, activity: &A, input: A::Input) -> Result<Result<A::Output, ActivityExecutionError>, Stop>
    where
        A: ActivityDefinition,
        A::Output: TemporalDeserializable,
    {
        let ctx = &self.steps.ctx;
        let token = WorkflowCancellationToken::new();
        let left = self.steps.time_left().unwrap_or_default();
        let mut activity =
            ctx.execute_activity(ByRef(activity), input, policy::durable(activity.name(), Kind::Forward, &token));
        let mut deadline = ctx.timer(TimerOptions::builder(left).cancellation_token(token.clone()).build());
        let ended = select! {
            result = activity => Ok(result),
            _ = ctx.cancelled() => Err(Stop::Cancelled),
            _ = deadline => Err(Stop::Deadline),
            () = self.refused.cancelled() => Err(Stop::Sibling),
        };
        token.cancel();
        ended
    }

    /// A refusal is final; any other failure is not.
    fn stop_if_refused(&self, error: &ActivityExecutionError) -> Result<(), Stop> {
        match error.failure().and_then(refusal) {
            None => Ok(()),
            Some(code) => {
                self.refused.cancel();
                Err(Stop::Refused(code))
            }
        }
    }
}

/// The code of a refusal: the type of an application failure that is not to be tried again. Of a local activity it
/// stands in the failure itself, of a regular one in its cause.
fn refusal(failure: &Failure) -> Option<Code> {
    let own = failure.maybe_application_failure().filter(|info| info.non_retryable);
    own.and_then(|info| Code::try_from(info.r#type.clone()).ok()).or_else(|| failure.cause.as_deref().and_then(refusal))
}
