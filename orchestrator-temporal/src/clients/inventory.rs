//! service-inventory.

use common::contract::inventory::{self, StockReserved};
use common::contract::saga::StepDone;
use common::contract::{SagaOrder, UndoRequest};
use common::telemetry::trace::TraceContext;

use super::{CallError, Services};

impl Services {
    pub(crate) async fn reserve_stock(&self, order: &SagaOrder, trace: &TraceContext) -> Result<(), CallError> {
        self.post::<StockReserved>(&self.urls.inventory, inventory::RESERVE, order, trace).await?;
        Ok(())
    }

    pub(crate) async fn confirm_stock(&self, order: &SagaOrder, trace: &TraceContext) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.inventory, inventory::CONFIRM, order, trace).await?;
        Ok(())
    }

    pub(crate) async fn release_stock(&self, undo: &UndoRequest, trace: &TraceContext) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.inventory, inventory::RELEASE, undo, trace).await?;
        Ok(())
    }
}
