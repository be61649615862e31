//! The contract of service-order and of the orders API: paths, requests, answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::payment::PaymentMethod;
use super::{Code, Fingerprint};
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

/// The body of `POST /api/temporal/orders`. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The id of the customer.
    pub customer_id: CustomerId,
    /// The id of the product to buy.
    pub product_id: ProductId,
    /// The number of units to buy.
    pub quantity: Quantity,
    /// The total amount to pay. It must equal the product's price × `quantity`.
    pub amount: Money,
    /// The payment method. The default is `CARD`.
    #[serde(default)]
    pub payment_method: PaymentMethod,
}

impl PlaceOrder {
    /// The fingerprint of this request. Defaults are filled in and numbers are normalised (`20000` equals `20000.00`).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_text(&format!(
            "v1|{}|{}|{}|{}|{}",
            self.customer_id, self.product_id, self.quantity, self.amount, self.payment_method
        ))
    }
}

/// The answer to `order.create` and `order.confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRef {
    /// The order's id, as stored by the first call.
    pub order_id: OrderId,
}

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// The order is neither confirmed nor cancelled yet.
    Pending,
    /// The order is paid, and its units have left the stock.
    Confirmed,
    /// The order ended without taking money or stock. The reason says why.
    Cancelled,
}

impl OrderStatus {
    /// The status as text, as it appears in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// An order, as `GET /api/orders/…` returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order's id.
    pub order_id: OrderId,
    /// The saga that made the order.
    pub saga_id: SagaId,
    /// The fingerprint of the request that placed the order.
    pub fingerprint: Fingerprint,
    /// The id of the order's payment.
    pub payment_id: PaymentId,
    /// The id of the customer.
    pub customer_id: CustomerId,
    /// The id of the product.
    pub product_id: ProductId,
    /// The number of units.
    pub quantity: Quantity,
    /// The total amount.
    pub amount: Money,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The status of the order.
    pub status: OrderStatus,
    /// Why the order was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When the row was created, in UTC, with microseconds.
    pub created_at: String,
    /// When the row last changed, in UTC, with microseconds.
    pub updated_at: String,
}

/// The progress of an order: every successful answer from the orders API about one order has this form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderProgress {
    /// `false` if the order ended, or will end, CANCELLED.
    pub success: bool,
    /// The status of the order.
    pub status: OrderStatus,
    /// The order's id.
    pub order_id: OrderId,
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The saga's id. It is also the id of the Temporal workflow.
    pub workflow_id: SagaId,
    /// The steps that are being retried now, while the order is PENDING.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Whether the order is stuck: a step has been pending for longer than its threshold, so an operator should look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// Why the order was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// A stuck step, as `GET /api/temporal/orders/stuck` lists it. The saga keeps retrying it without an operator's help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StuckOrder {
    /// The saga's id. It is also the id of the Temporal workflow.
    pub workflow_id: SagaId,
    /// The step that is not done, or `workflow` if no worker runs the saga.
    pub step: String,
    /// How long the step has been waiting, in seconds.
    pub age_seconds: u64,
    /// The number of attempts since the attempt count was last reset.
    pub attempt: u32,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}
