//! The decision of `payment.cancel`.

use common::contract::Code;
use common::contract::payment::{CancelDecision, PaymentStatus};
use serde::{Deserialize, Serialize};

use crate::clients::CallError;

/// The decision of `payment.cancel`. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "decision")]
pub(crate) enum Decision {
    /// The order will end CANCELLED.
    #[serde(rename_all = "camelCase")]
    Cancel {
        reason: Code,
        /// Whether `payment.void` must cancel the charge at the payment gateway.
        must_void: bool,
    },
    /// The order was already paid, so it will end CONFIRMED.
    Confirm,
}

impl Decision {
    pub(crate) fn of(answer: Result<CancelDecision, CallError>) -> Result<Self, CallError> {
        match answer {
            Ok(decision) => {
                Ok(Self::Cancel { reason: decision.reason, must_void: decision.status == PaymentStatus::Cancelling })
            }
            Err(CallError::Refused(refusal)) if refusal.code == Code::ORDER_ALREADY_PAID => Ok(Self::Confirm),
            // The payment row belongs to another request with this key. This order has no payment, and never will.
            Err(CallError::Refused(refusal)) if refusal.code == Code::IDEMPOTENCY_KEY_REUSED => {
                Ok(Self::Cancel { reason: refusal.code, must_void: false })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the payment row belongs to another order with the same key.
    pub(crate) fn is_for_another_order(&self) -> bool {
        matches!(self, Self::Cancel { reason, .. } if *reason == Code::IDEMPOTENCY_KEY_REUSED)
    }
}
