//! Placing an order: start its saga, at most once a key, and wait for the end, but not for ever.

use std::time::Duration;

use common::contract::order::{OrderProgress, OrderStatus, PlaceOrder};
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{IdempotencyKey, OrderId, PaymentId, SagaId};
use common::telemetry::trace::TraceContext;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::{Error, Orders, pending, progress_of};
use crate::saga::{SagaInput, SagaOutcome};
use crate::temporal::{EngineError, RunState, Started};

/// As many starts are on their way at once: in a rush each is quick then, and those that do not get their turn know that
/// nothing was started.
pub(super) const STARTS_AT_ONCE: usize = 16;
/// How long a start waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(5);

/// How long a process that takes no more connections waits for answers of Temporal. Below the time after which
/// [`common::http`] cuts its connections.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// An order that was taken.
pub(crate) enum Placed {
    /// It ended CONFIRMED.
    Confirmed(OrderProgress),
    /// It runs, or nobody could say how it stands within the time.
    Accepted(OrderProgress),
}

impl Orders {
    /// Places an order and waits for its end.
    pub(crate) async fn place(
        &self,
        key: &IdempotencyKey,
        request: PlaceOrder,
        trace: TraceContext,
    ) -> Result<Placed, Error> {
        let (orders, order) = (self.clone(), order_of(key, request));
        self.by_itself(async move { orders.start_and_wait(order, trace).await }, Error::MayHaveStarted).await
    }

    /// Places an order and answers at once.
    pub(crate) async fn place_async(
        &self,
        key: &IdempotencyKey,
        request: PlaceOrder,
        trace: TraceContext,
    ) -> Result<OrderProgress, Error> {
        let (orders, order) = (self.clone(), order_of(key, request));
        let work = async move {
            let (accepted, room) = orders.start(order, trace).await?;
            let saga = accepted.workflow_id.clone();
            tokio::spawn(async move { orders.wait_for(&saga, room).await }.in_current_span());
            Ok(accepted)
        };
        self.by_itself(work, Error::MayHaveStarted).await
    }

    /// Does its work in a task of its own: a client that hangs up ends neither a start or a cancel half way nor the
    /// order's place among those in flight. A process that stops says so before its connections are cut.
    pub(super) async fn by_itself<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        unknown: fn(EngineError) -> Error,
    ) -> Result<T, Error> {
        let last_moment = async {
            self.lifecycle.stopped_accepting().await;
            tokio::time::sleep(DRAIN_LIMIT).await;
        };
        tokio::select! {
            done = tokio::spawn(work.in_current_span()) => match done {
                Ok(answer) => answer,
                Err(error) => Err(unknown(EngineError(error.to_string()))),
            },
            () = last_moment => Err(unknown(EngineError("this process stops".to_owned()))),
        }
    }

    async fn start_and_wait(&self, order: SagaOrder, trace: TraceContext) -> Result<Placed, Error> {
        let (saga, request) = (order.saga_id.clone(), order.fingerprint.clone());
        let (accepted, room) = self.start(order, trace).await?;
        match self.wait_for(&saga, room).await {
            None => Ok(Placed::Accepted(accepted)),
            Some(outcome) if !outcome.is_of(&request) => Err(Error::KeyReused),
            Some(outcome) if outcome.status == OrderStatus::Confirmed => {
                Ok(Placed::Confirmed(progress_of(&saga, outcome)))
            }
            Some(outcome) => Err(Error::Refused(outcome.code.unwrap_or(Code::SAGA_CANCELLED))),
        }
    }

    /// Starts the saga, or finds the one that this key has started.
    async fn start(
        &self,
        order: SagaOrder,
        trace: TraceContext,
    ) -> Result<(OrderProgress, OwnedSemaphorePermit), Error> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let input = self.input_of(order, trace);
        let first = self.keys.first(&input.order.saga_id).await;
        if first.is_none() || self.start_new(&input).await? == Started::Before {
            drop(first);
            self.join(&input).await?;
        }
        Ok((pending(&input.order), room))
    }

    async fn start_new(&self, input: &SagaInput) -> Result<Started, Error> {
        let _turn = tokio::time::timeout(TURN_LIMIT, self.turns.acquire()).await.map_err(|_| Error::Overloaded)?;
        self.temporal.start(input).await.map_err(Error::MayHaveStarted)
    }

    /// Joins the saga that this key has started, if it is for the same order, and starts it again if it was lost.
    async fn join(&self, input: &SagaInput) -> Result<(), Error> {
        let saga = &input.order.saga_id;
        let known = match self.temporal.describe(saga).await? {
            Some(known) => Some(known),
            // The request before did not get to start it, or its retention has ended between the two calls.
            None if self.start_new(input).await? == Started::Now => return Ok(()),
            None => self.temporal.describe(saga).await?,
        };
        let Some(known) = known else {
            return Err(EngineError("the saga comes and goes".to_owned()).into());
        };
        let same = known.is_for(&input.order);
        if !same && !self.owns(&input.order, &input.trace).await? {
            return Err(Error::KeyReused);
        }
        if known.state == RunState::Lost {
            self.temporal.start_again(input).await.map_err(Error::MayHaveStarted)?;
        } else if !same && self.ended_for_another(&input.order).await? {
            self.temporal.start_over(input).await.map_err(Error::MayHaveStarted)?;
        }
        Ok(())
    }

    /// Is the key this order's? Its row says so, also once Temporal has forgotten the first saga, and somebody with
    /// another request has started one since.
    async fn owns(&self, order: &SagaOrder, trace: &TraceContext) -> Result<bool, Error> {
        let row = self.services.find_order(&order.saga_id, trace).await?;
        Ok(row.is_some_and(|row| row.fingerprint == order.fingerprint))
    }

    /// Is the outcome of the saga with this key none of this order's? Waits for its end.
    async fn ended_for_another(&self, order: &SagaOrder) -> Result<bool, Error> {
        let ended = tokio::time::timeout(self.limits.wait, self.temporal.outcome(&order.saga_id)).await;
        let outcome =
            ended.map_err(|_| EngineError("the saga that runs under this key has not ended".to_owned()))??;
        Ok(outcome.is_none_or(|outcome| !outcome.is_of(&order.fingerprint)))
    }

    /// The outcome, or `None` if the time is over, the process drains, or Temporal cannot say.
    async fn wait_for(&self, saga: &SagaId, room: OwnedSemaphorePermit) -> Option<SagaOutcome> {
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(self.limits.wait, self.temporal.outcome(saga)) => outcome.ok()?,
            () = self.lifecycle.stopped_accepting() => return None,
        };
        drop(room);
        outcome.inspect_err(|error| tracing::warn!(%error, "an outcome could not be had; its client polls")).ok()?
    }
}

fn order_of(key: &IdempotencyKey, request: PlaceOrder) -> SagaOrder {
    let saga_id = SagaId::of(key);
    SagaOrder {
        fingerprint: Fingerprint::of(&request),
        order_id: OrderId::of(&saga_id),
        payment_id: PaymentId::of(&saga_id),
        saga_id,
        customer_id: request.customer_id,
        product_id: request.product_id,
        quantity: request.quantity,
        amount: request.amount,
        payment_method: request.payment_method,
    }
}
