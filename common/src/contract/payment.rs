//! The contract of service-payment: paths, requests, answers.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use crate::ids::{OrderId, PaymentId, SagaId};
use crate::money::Money;

/// `payment.pay`, the pivot: `SagaOrder` → [`Paid`].
pub const PAY: &str = "/api/payments/steps/pay";
/// `payment.cancel`, which decides how the saga ends: `UndoRequest` → [`CancelDecision`], or `ORDER_ALREADY_PAID`.
pub const CANCEL: &str = "/api/payments/steps/cancel";
/// `payment.void`: `UndoRequest` → `StepDone`.
pub const VOID: &str = "/api/payments/steps/void";

/// The payment method, as the payment gateway names it: 1 to 40 characters of `A-Z`, `0-9` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, example = "CARD", pattern = "^[A-Z0-9_]{1,40}$")]
pub struct PaymentMethod(String);

impl PaymentMethod {
    /// The method as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PaymentMethod {
    fn default() -> Self {
        Self("CARD".to_owned())
    }
}

impl TryFrom<String> for PaymentMethod {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let allowed = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err("must be 1 to 40 characters of A-Z, 0-9 and _")
        }
    }
}

impl From<PaymentMethod> for String {
    fn from(method: PaymentMethod) -> String {
        method.0
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The answer to `payment.pay`: the payment is APPROVED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// The payment's id, as stored by the first call.
    pub payment_id: PaymentId,
}

/// The answer to `payment.cancel`: the order will end CANCELLED. This decision never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelDecision {
    /// The status of the payment row after the call.
    pub status: PaymentStatus,
    /// The first reason why the saga was cancelled. The client receives it as the order's code.
    pub reason: Code,
}

/// The status of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// A call is asking the payment gateway for approval.
    Approving,
    /// The gateway took the money.
    Approved,
    /// The gateway declined the payment.
    Declined,
    /// The payment is cancelled, but the gateway has not confirmed the void yet.
    Cancelling,
    /// The payment is cancelled, and the gateway keeps no money.
    Cancelled,
}

impl PaymentStatus {
    /// The status as text, as it appears in JSON.
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

/// A payment, as `GET /api/payments/…` returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The saga that made the payment. The gateway knows the charge under the same id.
    pub saga_id: SagaId,
    /// The order that the payment is for.
    pub order_id: OrderId,
    /// The amount to pay.
    pub amount: Money,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The status of the payment.
    pub status: PaymentStatus,
    /// Why the payment was declined or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When the row was created, in UTC, with microseconds.
    pub created_at: String,
    /// When the row last changed, in UTC, with microseconds.
    pub updated_at: String,
}
