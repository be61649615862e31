//! The progress of an order: from Temporal, or from the order's row once Temporal no longer knows the saga.

use common::contract::SagaOrder;
use common::contract::order::{Order, OrderProgress, OrderStatus};
use common::ids::SagaId;

use super::key_owner::is_owners_outcome;
use super::{Error, Orders, pending, progress_of};
use crate::saga::SagaOutcome;
use crate::temporal::{RunState, WorkflowInfo};

impl Orders {
    pub(crate) async fn follow(&self, saga: &SagaId) -> Result<OrderProgress, Error> {
        match self.temporal.describe(saga).await? {
            Some(WorkflowInfo { state: RunState::Running, order: Some(order), pending: activities }) => {
                let stuck = self.stuck.is_stuck(saga, &activities).await?;
                let steps = activities.into_iter().map(|activity| activity.name).collect();
                Ok(OrderProgress { steps, stuck, ..pending(&order) })
            }
            Some(WorkflowInfo { state: RunState::Completed, .. }) => match self.owners_outcome(saga).await? {
                Some(outcome) => Ok(progress_of(saga, outcome)),
                None => self.read_row(saga, None).await,
            },
            other => self.read_row(saga, other.and_then(|info| info.order)).await,
        }
    }

    /// The outcome of a completed saga, or `None` if it is not the outcome of the order that owns the key.
    pub(super) async fn owners_outcome(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, Error> {
        let Some(outcome) = self.temporal.completed_outcome(saga).await? else { return Ok(None) };
        if outcome.status == OrderStatus::Confirmed {
            return Ok(Some(outcome));
        }
        let row = self.services.find_order(saga).await?.map(|row| row.fingerprint);
        Ok(is_owners_outcome(&outcome, row.as_ref()).then_some(outcome))
    }

    /// Reads the order's row. A saga that was terminated before its first step has no row, and is still unfinished.
    async fn read_row(&self, saga: &SagaId, started_with: Option<SagaOrder>) -> Result<OrderProgress, Error> {
        match self.services.find_order(saga).await? {
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
