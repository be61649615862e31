//! Placing an order: start its saga, at most once a key, and wait for the end, but not for ever.

use std::time::Duration;

use common::contract::order::{OrderProgress, OrderStatus, PlaceOrder};
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{IdempotencyKey, OrderId, PaymentId, SagaId};
use common::telemetry::trace::TraceContext;
use tokio::sync::OwnedSemaphorePermit;

use super::{Error, Orders, pending, progress_of};
use crate::saga::{SagaInput, SagaOutcome};
use crate::temporal::Started;

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
        let (accepted, room) = self.start(key, request, trace).await?;
        let saga = accepted.workflow_id.clone();
        let outcome = self.wait_for(&saga, room).await;
        match outcome {
            None => Ok(Placed::Accepted(accepted)),
            Some(outcome) if outcome.status == OrderStatus::Confirmed => {
                Ok(Placed::Confirmed(progress_of(&saga, outcome)))
            }
            Some(outcome) => Err(refused(outcome.code)),
        }
    }

    /// Places an order and answers at once.
    pub(crate) async fn place_async(
        &self,
        key: &IdempotencyKey,
        request: PlaceOrder,
        trace: TraceContext,
    ) -> Result<OrderProgress, Error> {
        let (accepted, room) = self.start(key, request, trace).await?;
        let (orders, saga) = (self.clone(), accepted.workflow_id.clone());
        tokio::spawn(async move { orders.wait_for(&saga, room).await });
        Ok(accepted)
    }

    /// Starts the saga, or finds the one that this key has started.
    async fn start(
        &self,
        key: &IdempotencyKey,
        request: PlaceOrder,
        trace: TraceContext,
    ) -> Result<(OrderProgress, OwnedSemaphorePermit), Error> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let order = order_of(key, request);
        let input = SagaInput { order, deadline_ms: millis(self.limits.deadline), trace };
        let order = match self.temporal.start(&input).await.map_err(Error::MayHaveStarted)? {
            Started::Now => input.order,
            Started::Before => self.the_same(input.order).await?,
        };
        Ok((pending(&order), room))
    }

    /// The order that the key has started, if it is the same as this one.
    async fn the_same(&self, order: SagaOrder) -> Result<SagaOrder, Error> {
        let known = self.temporal.describe(&order.saga_id).await?.and_then(|known| known.order);
        match known {
            Some(first) if first.fingerprint == order.fingerprint => Ok(first),
            Some(_) => Err(Error::KeyReused),
            // Gone between the two calls: its retention is over.
            None => Ok(order),
        }
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
    SagaOrder {
        saga_id: SagaId::of(key),
        fingerprint: Fingerprint::of(&request),
        order_id: OrderId::new(),
        payment_id: PaymentId::new(),
        customer_id: request.customer_id,
        product_id: request.product_id,
        quantity: request.quantity,
        amount: request.amount,
        payment_method: request.payment_method,
    }
}

/// The client's answer for an order that ended CANCELLED.
fn refused(code: Option<Code>) -> Error {
    match code {
        Some(code) if code == Code::IDEMPOTENCY_KEY_REUSED => Error::KeyReused,
        code => Error::Refused(code.unwrap_or(Code::SAGA_CANCELLED)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
