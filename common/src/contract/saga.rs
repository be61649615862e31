//! The bodies that the steps of the saga have in common.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::payment::PaymentMethod;
use super::{Code, Fingerprint};
use crate::ids::{CustomerId, OrderId, PaymentId, ProductId, Quantity, SagaId};
use crate::money::Money;

/// The order, as every step receives it. All ids are chosen before the first step, so every retry is the same request.
///
/// Unknown fields are ignored, because the next release may send them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SagaOrder {
    /// The saga's id. It is also the id of the Temporal workflow.
    pub saga_id: SagaId,
    /// The fingerprint of the request. A step leaves a row with a different fingerprint unchanged.
    pub fingerprint: Fingerprint,
    /// The order's id. A row that already exists keeps its own id.
    pub order_id: OrderId,
    /// The payment's id. A row that already exists keeps its own id.
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
}

/// The body of every undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndoRequest {
    /// The order to undo.
    pub order: SagaOrder,
    /// Why the order is undone. Each row keeps the first reason that it receives.
    pub reason: Code,
}

/// The answer to a confirm, cancel, release or void that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDone {
    /// The status of the row after the call, such as `CONFIRMED`.
    pub status: String,
}

/// An unfinished saga, as `GET …/unfinished` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnfinishedSaga {
    /// The saga's id.
    pub saga_id: SagaId,
    /// The status of the row.
    pub status: String,
    /// The age of the row, in seconds, by the database's clock.
    pub age_seconds: i64,
}

/// The query of `GET …/unfinished`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Age {
    /// Only rows older than this many seconds are listed. The default is 120, twice the default deadline.
    #[serde(default = "twice_the_deadline")]
    pub older_than_seconds: u32,
}

fn twice_the_deadline() -> u32 {
    120
}
