//! service-order.

use common::contract::order::{self, Order, OrderRef};
use common::contract::saga::StepDone;
use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::{OrderId, SagaId};
use common::telemetry::trace::TraceContext;

use super::{CallError, Services};

impl Services {
    pub(crate) async fn create_order(&self, order: &SagaOrder, trace: &TraceContext) -> Result<OrderId, CallError> {
        let made: OrderRef = self.post(&self.urls.order, order::CREATE, order, trace).await?;
        Ok(made.order_id)
    }

    pub(crate) async fn confirm_order(&self, order: &SagaOrder, trace: &TraceContext) -> Result<OrderId, CallError> {
        let confirmed: OrderRef = self.post(&self.urls.order, order::CONFIRM, order, trace).await?;
        Ok(confirmed.order_id)
    }

    pub(crate) async fn cancel_order(&self, undo: &UndoRequest, trace: &TraceContext) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.order, order::CANCEL, undo, trace).await?;
        Ok(())
    }

    /// The order of a saga, if service-order has one.
    pub(crate) async fn find_order(&self, saga: &SagaId, trace: &TraceContext) -> Result<Option<Order>, CallError> {
        let path = format!("{}/{saga}", order::BY_SAGA);
        match self.get(&self.urls.order, &path, trace).await {
            Err(CallError::Failed { code, .. }) if code == Code::NOT_FOUND => Ok(None),
            found => found.map(Some),
        }
    }
}
