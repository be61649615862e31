//! service-payment.

use common::contract::payment::{self, CancelDecided, Paid, PaymentStatus};
use common::contract::saga::StepDone;
use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::PaymentId;
use common::telemetry::trace::TraceContext;
use serde::{Deserialize, Serialize};

use super::{CallError, Services};

/// What `payment.cancel` decided, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "decision")]
pub(crate) enum Decision {
    /// The saga is cancelled, for this reason; `settle` if the gateway has to be told.
    Cancelled {
        /// The first reason.
        reason: Code,
        /// Does the gateway have to be told?
        settle: bool,
    },
    /// The payment went through before: the saga goes forward.
    AlreadyPaid,
}

impl Decision {
    /// Is the payment row another order's? Then this says nothing about the order that the key belongs to.
    pub(crate) fn is_of_another_order(&self) -> bool {
        matches!(self, Self::Cancelled { reason, .. } if *reason == Code::IDEMPOTENCY_KEY_REUSED)
    }
}

impl Services {
    pub(crate) async fn pay(&self, order: &SagaOrder, trace: &TraceContext) -> Result<PaymentId, CallError> {
        let paid: Paid = self.post(&self.urls.payment, payment::PAY, order, trace).await?;
        Ok(paid.payment_id)
    }

    pub(crate) async fn cancel_payment(&self, undo: &UndoRequest, trace: &TraceContext) -> Result<Decision, CallError> {
        match self.post::<CancelDecided>(&self.urls.payment, payment::CANCEL, undo, trace).await {
            Ok(decided) => {
                Ok(Decision::Cancelled { reason: decided.reason, settle: decided.status == PaymentStatus::Cancelling })
            }
            Err(CallError::Refused(refusal)) if refusal.code == Code::ALREADY_PAID => Ok(Decision::AlreadyPaid),
            // The row is of another request with our key: ours has no payment, and never will.
            Err(CallError::Refused(refusal)) if refusal.code == Code::IDEMPOTENCY_KEY_REUSED => {
                Ok(Decision::Cancelled { reason: refusal.code, settle: false })
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn settle_payment(&self, undo: &UndoRequest, trace: &TraceContext) -> Result<(), CallError> {
        self.post::<StepDone>(&self.urls.payment, payment::SETTLE, undo, trace).await?;
        Ok(())
    }
}
