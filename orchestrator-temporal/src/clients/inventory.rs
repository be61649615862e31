//! Calls to service-inventory.

use common::contract::inventory::{self, StockReserved};
use common::contract::saga::StepDone;
use common::contract::{SagaOrder, UndoRequest};

use super::{CallError, Services};

impl Services {
    pub(crate) async fn reserve_stock(&self, order: &SagaOrder) -> Result<(), CallError> {
        self.post::<StockReserved>(&self.urls.inventory, inventory::RESERVE, order).await?;
        Ok(())
    }

    pub(crate) async fn confirm_stock(&self, order: &SagaOrder) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.inventory, inventory::CONFIRM, order).await?;
        Ok(())
    }

    pub(crate) async fn release_stock(&self, undo: &UndoRequest) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.inventory, inventory::RELEASE, undo).await?;
        Ok(())
    }
}
