//! Cancelling an order. It begins with `payment.cancel`, whose answer decides, so that 202 is a promise.

use common::contract::order::{Order, OrderProgress, OrderStatus};
use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::SagaId;
use common::telemetry::trace::TraceContext;

use super::{Error, Orders};
use crate::clients::Decision;
use crate::saga::SagaInput;
use crate::temporal::{Known, RunState, Started};

/// What came of a cancel.
pub(crate) enum Cancelled {
    /// The order is CANCELLED.
    Already(OrderProgress),
    /// It is decided that the order ends CANCELLED.
    Decided(OrderProgress),
}

impl Orders {
    /// Cancels an order.
    pub(crate) async fn cancel(&self, saga: &SagaId, trace: &TraceContext) -> Result<Cancelled, Error> {
        let progress = self.follow(saga, trace).await?;
        match progress.status {
            OrderStatus::Confirmed => Err(Error::AlreadyPaid),
            OrderStatus::Cancelled => Ok(Cancelled::Already(progress)),
            OrderStatus::Pending => {
                let (orders, saga, trace) = (self.clone(), saga.clone(), trace.clone());
                self.by_itself(async move { orders.decide(&saga, progress, &trace).await }, Error::Engine).await
            }
        }
    }

    async fn decide(&self, saga: &SagaId, progress: OrderProgress, trace: &TraceContext) -> Result<Cancelled, Error> {
        let (order, runs) = self.order_of(saga, trace).await?;
        let undo = UndoRequest { order, reason: Code::CANCELLED_BY_CUSTOMER };
        let decision = self.services.cancel_payment(&undo, trace).await?;
        if decision.is_of_another_order() {
            // The saga that runs was started with another order's key, and ends by itself; the next answer is the row's.
            return Err(Error::Moving);
        }
        if !runs {
            self.take_up(&self.input_of(undo.order, trace.clone())).await?;
        }
        match decision {
            Decision::AlreadyPaid => Err(Error::AlreadyPaid),
            Decision::Cancelled { reason, .. } => {
                // The saga meets the decision by itself; this only ends its waits. So the answer stands without it.
                if let Err(error) = self.temporal.cancel(saga, reason.as_str()).await {
                    tracing::warn!(%error, "the saga was not told of its cancel; it will find out");
                }
                Ok(Cancelled::Decided(OrderProgress { success: false, code: Some(reason), ..progress }))
            }
        }
    }

    /// Somebody is to finish a lost order: either answer to its cancel is a promise.
    async fn take_up(&self, input: &SagaInput) -> Result<(), Error> {
        if self.temporal.start_over(input).await? == Started::Now {
            return Ok(());
        }
        let running = self.temporal.describe(&input.order.saga_id).await?;
        if running.is_some_and(|known| known.is_for(&input.order)) { Ok(()) } else { Err(Error::Moving) }
    }

    /// The order as its steps carry it, from the saga's memo or from the order's row, and whether its saga runs or has
    /// come to its end, so that nobody has to start it again.
    async fn order_of(&self, saga: &SagaId, trace: &TraceContext) -> Result<(SagaOrder, bool), Error> {
        let started_with = match self.temporal.describe(saga).await? {
            Some(Known { state: RunState::Running, order: Some(order), .. }) => return Ok((order, true)),
            Some(Known { state: RunState::Completed, order: Some(order), .. })
                if self.own_outcome(saga, trace).await?.is_some() =>
            {
                return Ok((order, true));
            }
            Some(Known { order, .. }) => order,
            None => None,
        };
        let row = self.services.find_order(saga, trace).await?.map(as_step);
        row.or(started_with).map(|order| (order, false)).ok_or(Error::NotFound)
    }
}

fn as_step(order: Order) -> SagaOrder {
    SagaOrder {
        saga_id: order.saga_id,
        fingerprint: order.fingerprint,
        order_id: order.order_id,
        payment_id: order.payment_id,
        customer_id: order.customer_id,
        product_id: order.product_id,
        quantity: order.quantity,
        amount: order.amount,
        payment_method: order.payment_method,
    }
}
