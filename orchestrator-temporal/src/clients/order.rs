//! Calls to service-order.

use common::contract::order::{self, Order, OrderRef};
use common::contract::saga::StepDone;
use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::{OrderId, SagaId};

use super::{CallError, Services};

impl Services {
    pub(crate) async fn create_order(&self, order: &SagaOrder) -> Result<OrderId, CallError> {
        let created: OrderRef = self.post(&self.urls.order, order::CREATE, order).await?;
        Ok(created.order_id)
    }

    pub(crate) async fn confirm_order(&self, order: &SagaOrder) -> Result<OrderId, CallError> {
        let confirmed: OrderRef = self.post(&self.urls.order, order::CONFIRM, order).await?;
        Ok(confirmed.order_id)
    }

    pub(crate) async fn cancel_order(&self, undo: &UndoRequest) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.order, order::CANCEL, undo).await?;
        Ok(())
    }

    /// The order of a saga, if it has a row.
    pub(crate) async fn find_order(&self, saga: &SagaId) -> Result<Option<Order>, CallError> {
        let path = format!("{}/{saga}", order::BY_SAGA);
        match self.get(&self.urls.order, &path).await {
            Err(CallError::Failed { code, .. }) if code == Code::NOT_FOUND => Ok(None),
            found => found.map(Some),
        }
    }
}
