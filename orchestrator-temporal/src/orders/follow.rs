//! Where an order stands: from Temporal, or from service-order once Temporal has forgotten it.

use common::contract::order::{Order, OrderProgress, OrderStatus};
use common::contract::{Code, SagaOrder};
use common::ids::SagaId;
use common::telemetry::trace::TraceContext;

use super::{Error, Orders, pending, progress_of};
use crate::saga::SagaOutcome;
use crate::temporal::{Known, RunState};

impl Orders {
    /// Where an order stands.
    pub(crate) async fn follow(&self, saga: &SagaId, trace: &TraceContext) -> Result<OrderProgress, Error> {
        let known = self.temporal.describe(saga).await?;
        match known {
            Some(Known { state: RunState::Running, order: Some(order), steps }) => {
                let stuck = self.is_stuck(saga, &steps).await?;
                Ok(OrderProgress { steps, stuck, ..pending(&order) })
            }
            Some(Known { state: RunState::Completed, .. }) => match self.own_outcome(saga, trace).await? {
                Some(outcome) => Ok(progress_of(saga, outcome)),
                None => self.of_row(saga, None, trace).await,
            },
            other => self.of_row(saga, other.and_then(|known| known.order), trace).await,
        }
    }

    /// The outcome of a saga that has completed; `None` if it says nothing of the order that the key belongs to.
    pub(super) async fn own_outcome(&self, saga: &SagaId, trace: &TraceContext) -> Result<Option<SagaOutcome>, Error> {
        let Some(outcome) = self.temporal.outcome_of_ended(saga).await? else { return Ok(None) };
        // Another request with the key is never paid: a saga of it ends CANCELLED, and the row says whose the key is.
        if outcome.status != OrderStatus::Cancelled {
            return Ok(Some(outcome));
        }
        let row = self.services.find_order(saga, trace).await?;
        let own = match row.map(|row| row.fingerprint).or_else(|| outcome.fingerprint.clone()) {
            Some(owner) => outcome.is_of(&owner),
            None => outcome.code != Some(Code::IDEMPOTENCY_KEY_REUSED),
        };
        Ok(own.then_some(outcome))
    }

    /// From the order's row; a saga that was terminated before its first step has none, and is still to be finished.
    async fn of_row(
        &self,
        saga: &SagaId,
        started_with: Option<SagaOrder>,
        trace: &TraceContext,
    ) -> Result<OrderProgress, Error> {
        match self.services.find_order(saga, trace).await? {
            Some(row) => Ok(progress_of_row(row)),
            None => started_with.as_ref().map(pending).ok_or(Error::NotFound),
        }
    }
}

fn progress_of_row(order: Order) -> OrderProgress {
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
