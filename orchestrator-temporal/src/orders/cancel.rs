//! Cancelling an order. It begins with `payment.cancel`, whose answer is final, so a 202 answer is a promise.

use common::contract::order::{Order, OrderProgress, OrderStatus};
use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::SagaId;
use common::telemetry::error_chain;

use super::{Error, Orders};
use crate::saga::{Decision, SagaInput};
use crate::temporal::{RunState, Start, WorkflowInfo};

/// The answer to a cancellation that was not refused.
pub(crate) enum CancelAnswer {
    /// The order is CANCELLED.
    AlreadyCancelled(OrderProgress),
    /// The order will end CANCELLED.
    WillBeCancelled(OrderProgress),
}

/// The order to cancel, and whether a saga will finish it.
struct Target {
    order: SagaOrder,
    /// Whether the order's saga is running or has finished. Otherwise it must be started again.
    has_saga: bool,
}

impl Orders {
    pub(crate) async fn cancel(&self, saga: &SagaId) -> Result<CancelAnswer, Error> {
        let progress = self.follow(saga).await?;
        match progress.status {
            OrderStatus::Confirmed => Err(Error::AlreadyPaid),
            OrderStatus::Cancelled => Ok(CancelAnswer::AlreadyCancelled(progress)),
            OrderStatus::Pending => {
                let (orders, saga) = (self.clone(), saga.clone());
                self.detached(async move { orders.cancel_pending(&saga, progress).await }, Error::Temporal).await
            }
        }
    }

    async fn cancel_pending(&self, saga: &SagaId, progress: OrderProgress) -> Result<CancelAnswer, Error> {
        let target = self.cancel_target(saga).await?;
        let undo = UndoRequest { order: target.order, reason: Code::CANCELLED_BY_CUSTOMER };
        let decision = Decision::of(self.services.cancel_payment(&undo).await)?;
        if decision.is_for_another_order() {
            // The running saga belongs to another order with this key. Once it ends, the order's row has the answer.
            return Err(Error::Conflict);
        }
        if !target.has_saga {
            self.ensure_running(&self.saga_input(undo.order)).await?;
        }
        match decision {
            Decision::Confirm => Err(Error::AlreadyPaid),
            Decision::Cancel { reason, .. } => {
                // The cancel request only makes the saga stop waiting. If it fails, the saga finds the decision later.
                if let Err(error) = self.temporal.cancel(saga, reason.as_str()).await {
                    let error = error_chain(&error);
                    tracing::warn!(error, "cannot send a cancel request; the saga will find the decision later");
                }
                Ok(CancelAnswer::WillBeCancelled(OrderProgress { success: false, code: Some(reason), ..progress }))
            }
        }
    }

    /// Makes sure that a saga finishes this order, because the answer to the cancellation is a promise.
    async fn ensure_running(&self, input: &SagaInput) -> Result<(), Error> {
        if self.temporal.start_unless_running(input).await? == Start::Started {
            return Ok(());
        }
        let running = self.temporal.describe(&input.order.saga_id).await?;
        if running.is_some_and(|info| info.belongs_to(&input.order.fingerprint)) {
            Ok(())
        } else {
            Err(Error::Conflict)
        }
    }

    /// Reads the order from the workflow's memo or from the order's row.
    async fn cancel_target(&self, saga: &SagaId) -> Result<Target, Error> {
        let started_with = match self.temporal.describe(saga).await? {
            Some(WorkflowInfo { state: RunState::Running, order: Some(order), .. }) => {
                return Ok(Target { order, has_saga: true });
            }
            Some(WorkflowInfo { state: RunState::Completed, order: Some(order), .. })
                if self.owners_outcome(saga).await?.is_some() =>
            {
                return Ok(Target { order, has_saga: true });
            }
            Some(WorkflowInfo { order, .. }) => order,
            None => None,
        };
        let row = self.services.find_order(saga).await?.map(saga_order);
        row.or(started_with).map(|order| Target { order, has_saga: false }).ok_or(Error::NotFound)
    }
}

fn saga_order(row: Order) -> SagaOrder {
    SagaOrder {
        saga_id: row.saga_id,
        fingerprint: row.fingerprint,
        order_id: row.order_id,
        payment_id: row.payment_id,
        customer_id: row.customer_id,
        product_id: row.product_id,
        quantity: row.quantity,
        amount: row.amount,
        payment_method: row.payment_method,
    }
}
