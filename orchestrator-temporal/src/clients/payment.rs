//! Calls to service-payment.

use common::contract::payment::{self, CancelDecision, Paid};
use common::contract::saga::StepDone;
use common::contract::{SagaOrder, UndoRequest};
use common::ids::PaymentId;

use super::{CallError, Services};

impl Services {
    pub(crate) async fn pay(&self, order: &SagaOrder) -> Result<PaymentId, CallError> {
        let paid: Paid = self.post(&self.urls.payment, payment::PAY, order).await?;
        Ok(paid.payment_id)
    }

    pub(crate) async fn cancel_payment(&self, undo: &UndoRequest) -> Result<CancelDecision, CallError> {
        self.post(&self.urls.payment, payment::CANCEL, undo).await
    }

    pub(crate) async fn void_payment(&self, undo: &UndoRequest) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.payment, payment::VOID, undo).await?;
        Ok(())
    }
}
