//! service-payment: paths, requests, answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use super::saga::PaymentMethod;
use crate::ids::{OrderId, PaymentId, SagaId};
use crate::money::Money;

/// `payment.pay`, the pivot: `SagaOrder` → [`Paid`].
pub const PAY: &str = "/api/payments/steps/pay";
/// `payment.cancel`, the decision: `UndoRequest` → [`CancelDecided`], or `ALREADY_PAID`.
pub const CANCEL: &str = "/api/payments/steps/cancel";
/// `payment.settle`: `UndoRequest` → `StepDone`.
pub const SETTLE: &str = "/api/payments/steps/settle";

/// The answer of `payment.pay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// The id in the row: of the first call that made it.
    pub payment_id: PaymentId,
}

/// The answer of `payment.cancel`: the saga is decided, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelDecided {
    /// The row's state now.
    pub status: PaymentStatus,
    /// Why the saga is cancelled: the first reason, which is also the client's answer.
    pub reason: Code,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// The gateway is being asked.
    Approving,
    /// Paid.
    Approved,
    /// The gateway said no.
    Declined,
    /// Cancelled, the gateway not yet told.
    Cancelling,
    /// Cancelled; no money is kept.
    Cancelled,
}

impl PaymentStatus {
    /// The state as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approving => "APPROVING",
            Self::Approved => "APPROVED",
            Self::Declined => "DECLINED",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// A payment as service-payment shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Its id.
    pub payment_id: PaymentId,
    /// Its saga, which is also the key under which the gateway knows it.
    pub saga_id: SagaId,
    /// The order it pays.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// How.
    pub payment_method: PaymentMethod,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Why it was declined or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When it was made, UTC.
    pub created_at: String,
    /// When it last changed, UTC.
    pub updated_at: String,
}
