//! How one step of the saga runs on Temporal: quick attempts first (a local activity), then durable attempts (a regular
//! activity).

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use common::contract::Code;
use temporalio_common::ActivityDefinition;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_sdk::workflows::{join, select};
use temporalio_sdk::{ActivityExecutionError, WorkflowContext};
use temporalio_workflow::{TimerOptions, WorkflowCancellationToken};

use super::policy;
use super::table::Step;

/// Why the saga stops going forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    Refused(Code),
    CancelRequested,
    Deadline,
    OtherStepRefused,
}

/// Runs the steps of one workflow of type `W`.
pub(super) struct Steps<W> {
    ctx: WorkflowContext<W>,
    deadline: SystemTime,
    /// The start of the current workflow task, as far as it is known.
    task_started: Cell<SystemTime>,
}

/// Two steps that run at the same time. When one is refused, the other stops waiting.
pub(super) struct Stage<'a, W> {
    steps: &'a Steps<W>,
    refused: WorkflowCancellationToken,
}

/// A reference to an activity, so that it can be used twice: the SDK's constants can be neither copied nor cloned.
struct ByRef<'a, A>(&'a A);

impl<A: ActivityDefinition> ActivityDefinition for ByRef<'_, A> {
    type Input = A::Input;
    type Output = A::Output;

    fn name(&self) -> &str {
        self.0.name()
    }
}

impl<W: 'static> Steps<W> {
    /// The deadline counts from the start of the workflow, so that a crash does not extend it.
    pub(super) fn new(ctx: &WorkflowContext<W>, deadline: Duration) -> Self {
        let started = ctx.info().start_time().unwrap_or(SystemTime::UNIX_EPOCH);
        let now = ctx.workflow_time().unwrap_or(started);
        Self { ctx: ctx.clone(), deadline: started + deadline, task_started: Cell::new(now) }
    }

    pub(super) fn stage(&self) -> Stage<'_, W> {
        Stage { steps: self, refused: WorkflowCancellationToken::new() }
    }

    /// Runs a step until it is done. Neither a cancel request nor the deadline ends it.
    pub(super) async fn until_done<A>(&self, step: Step, activity: A, input: A::Input) -> A::Output
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        if self.has_quick_budget()
            && let Ok(output) = self.quick(&activity, &input).await
        {
            return output;
        }
        loop {
            let result = self.ctx.execute_activity(ByRef(&activity), input.clone(), policy::until_done(step)).await;
            self.task_starts();
            if let Ok(output) = result {
                return output;
            }
            let detached = WorkflowCancellationToken::new();
            self.ctx.timer(TimerOptions::builder(policy::BUG_PAUSE).cancellation_token(detached).build()).await;
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

    fn has_quick_budget(&self) -> bool {
        self.now().duration_since(self.task_started.get()).unwrap_or_default() < policy::QUICK_BUDGET
    }

    /// A durable attempt has ended, so a new workflow task starts.
    fn task_starts(&self) {
        self.task_started.set(self.now());
    }

    fn time_left(&self) -> Option<Duration> {
        self.deadline.duration_since(self.now()).ok().filter(|left| !left.is_zero())
    }

    fn check(&self) -> Result<(), Stop> {
        if self.ctx.cancellation_token().is_cancelled() {
            Err(Stop::CancelRequested)
        } else if self.time_left().is_none() {
            Err(Stop::Deadline)
        } else {
            Ok(())
        }
    }
}

impl<W: 'static> Stage<'_, W> {
    /// Runs two steps at the same time. If both stop, a refusal takes precedence.
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

    /// Runs a forward step until it is done or refused, or until the saga stops.
    pub(super) async fn forward<A>(&self, step: Step, activity: A, input: A::Input) -> Result<A::Output, Stop>
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        self.steps.check()?;
        if self.steps.has_quick_budget() {
            match self.steps.quick(&activity, &input).await {
                Ok(output) => return Ok(output),
                Err(error) => self.stop_if_refused(&error)?,
            }
        }
        self.durable(step, &activity, input).await
    }

    async fn durable<A>(&self, step: Step, activity: &A, input: A::Input) -> Result<A::Output, Stop>
    where
        A: ActivityDefinition,
        A::Input: Clone,
        A::Output: TemporalDeserializable,
    {
        loop {
            self.steps.check()?;
            if self.refused.is_cancelled() {
                return Err(Stop::OtherStepRefused);
            }
            let result = self.wait(step, activity, input.clone()).await;
            self.steps.task_starts();
            match result? {
                Ok(output) => return Ok(output),
                Err(error) => self.stop_if_refused(&error)?,
            }
            self.pause_after_bug().await;
        }
    }

    /// Without this pause, a step whose activity always ends immediately would fill the history.
    async fn pause_after_bug(&self) {
        let ctx = &self.steps.ctx;
        let token = WorkflowCancellationToken::new();
        let pause = policy::BUG_PAUSE.min(self.steps.time_left().unwrap_or_default());
        let mut timer = ctx.timer(TimerOptions::builder(pause).cancellation_token(token.clone()).build());
        select! {
            _ = timer => {},
            _ = ctx.cancelled() => {},
            () = self.refused.cancelled() => {},
        }
        token.cancel();
    }

    /// Waits for the durable attempts, or for an event that ends the wait. Cancelling the token then ends the retries.
    async fn wait<A>(
        &self,
        step: Step,
        activity: &A,
        input: A::Input,
    ) -> Result<Result<A::Output, ActivityExecutionError>, Stop>
    where
        A: ActivityDefinition,
        A::Output: TemporalDeserializable,
    {
        let ctx = &self.steps.ctx;
        let token = WorkflowCancellationToken::new();
        let left = self.steps.time_left().unwrap_or_default();
        let mut activity = ctx.execute_activity(ByRef(activity), input, policy::durable(step, &token));
        let mut deadline = ctx.timer(TimerOptions::builder(left).cancellation_token(token.clone()).build());
        let ended = select! {
            result = activity => Ok(result),
            _ = ctx.cancelled() => Err(Stop::CancelRequested),
            _ = deadline => Err(Stop::Deadline),
            () = self.refused.cancelled() => Err(Stop::OtherStepRefused),
        };
        token.cancel();
        ended
    }

    /// A refusal is final. Any other error is retried.
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

/// The code of a refusal: the type of an application failure that must not be retried. A local activity has it in its
/// failure, a regular activity in the cause of its failure.
fn refusal(failure: &Failure) -> Option<Code> {
    let own = failure.maybe_application_failure().filter(|info| info.non_retryable);
    own.and_then(|info| Code::try_from(info.r#type.clone()).ok()).or_else(|| failure.cause.as_deref().and_then(refusal))
}
