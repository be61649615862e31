//! Where an order stands: from Temporal, or from service-order once Temporal has forgotten it.

use common::contract::order::{Order, OrderProgress, OrderStatus};
use common::ids::SagaId;
use common::telemetry::trace::TraceContext;

use super::{Error, Orders, progress_of};
use crate::temporal::{Known, RunState};

impl Orders {
    /// Where an order stands.
    pub(crate) async fn follow(&self, saga: &SagaId, trace: &TraceContext) -> Result<OrderProgress, Error> {
        let known = self.temporal.describe(saga).await?;
        if let Some(Known { state: RunState::Completed, .. }) = known
            && let Some(outcome) = self.temporal.outcome(saga).await?
        {
            return Ok(progress_of(saga, outcome));
        }
        if let Some(Known { state: RunState::Running, order: Some(order), steps }) = known {
            let stuck = self.is_stuck(saga, &steps).await?;
            return Ok(OrderProgress {
                success: true,
                status: OrderStatus::Pending,
                order_id: order.order_id,
                payment_id: order.payment_id,
                workflow_id: saga.clone(),
                steps,
                stuck,
                code: None,
            });
        }
        let order = self.services.find_order(saga, trace).await?.ok_or(Error::NotFound)?;
        Ok(of_row(order))
    }
}

pub(super) fn of_row(order: Order) -> OrderProgress {
    OrderProgress {
        success: order.status != OrderStatus::Cancelled,
        status: order.status,
        order_id: order.order_id,
        payment_id: order.payment_id,
        workflow_id: order.saga_id,
        steps: Vec::new(),
        stuck: false,
        code: order.reason,
    }
}
