//! service-order and the orders API: paths, requests, answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use super::saga::PaymentMethod;
use crate::ids::{CustomerId, OrderId, PaymentId, ProductId, Quantity, SagaId};
use crate::money::Money;

/// `order.create`: `SagaOrder` → [`OrderRef`].
pub const CREATE: &str = "/api/orders/steps/create";
/// `order.confirm`: `SagaOrder` → [`OrderRef`].
pub const CONFIRM: &str = "/api/orders/steps/confirm";
/// `order.cancel`: `UndoRequest` → `StepDone`.
pub const CANCEL: &str = "/api/orders/steps/cancel";
/// The order of a saga: `GET /api/orders/by-saga/{sagaId}` → [`Order`].
pub const BY_SAGA: &str = "/api/orders/by-saga";

/// `POST /api/temporal/orders`: what a client orders. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// Who buys.
    pub customer_id: CustomerId,
    /// What.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// For how much in all: must be price × quantity.
    pub amount: Money,
    /// How it is paid; `CARD` unless said otherwise.
    #[serde(default)]
    pub payment_method: PaymentMethod,
}

/// The answer of `order.create` and `order.confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRef {
    /// The id in the row: of the first call that made it.
    pub order_id: OrderId,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Neither confirmed nor cancelled yet.
    Pending,
    /// Paid, and the stock gone.
    Confirmed,
    /// Ended without money or stock; the reason says why.
    Cancelled,
}

impl OrderStatus {
    /// The state as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// An order as service-order shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    pub order_id: OrderId,
    /// Its saga.
    pub saga_id: SagaId,
    /// Which request made it.
    pub fingerprint: super::Fingerprint,
    /// Its payment.
    pub payment_id: PaymentId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// What.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// For how much.
    pub amount: Money,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When it was made, UTC.
    pub created_at: String,
    /// When it last changed, UTC.
    pub updated_at: String,
}

/// Where an order of the orders API stands: the answer of every success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderProgress {
    /// `false` only for an order that ended CANCELLED.
    pub success: bool,
    /// Where it stands.
    pub status: OrderStatus,
    /// The order's id.
    pub order_id: OrderId,
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The saga's id, which is the Temporal workflow's.
    pub workflow_id: SagaId,
    /// The steps that are being tried right now, while the order is PENDING.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// What it waits for has not been done for long: somebody should look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// An order that needs a person, as `GET /api/temporal/orders/stuck` lists it. It goes on by itself all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StuckOrder {
    /// The saga's id, which is the Temporal workflow's.
    pub workflow_id: SagaId,
    /// The step that is not done.
    pub step: String,
    /// For how long it has been tried, in seconds by Temporal's clock.
    pub age_seconds: u64,
    /// How often it has been tried since it last was reset.
    pub attempt: u32,
    /// Why it last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}
