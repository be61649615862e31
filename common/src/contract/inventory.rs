//! The contract of service-inventory: paths, requests, answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use crate::ids::{ProductId, Quantity, SagaId};
use crate::money::Money;

/// `stock.reserve`: `SagaOrder` → [`StockReserved`].
pub const RESERVE: &str = "/api/inventory/steps/reserve";
/// `stock.confirm`: `SagaOrder` → `StepDone`.
pub const CONFIRM: &str = "/api/inventory/steps/confirm";
/// `stock.release`: `UndoRequest` → `StepDone`.
pub const RELEASE: &str = "/api/inventory/steps/release";

/// The answer to `stock.reserve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The price per unit. The reservation stores it.
    pub unit_price: Money,
}

/// The body of `POST /api/inventory/products`, which creates a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProduct {
    /// The product's id. The caller chooses it, so a repeated request creates no second product.
    pub product_id: ProductId,
    /// The product's name, 1 to 200 characters.
    pub name: String,
    /// The price per unit.
    pub price: Money,
    /// The initial number of units in stock. The default is 0.
    #[serde(default)]
    pub quantity: u32,
}

/// The body of `POST /api/inventory/products/{productId}/stock`, which adds the units of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddStock {
    /// The delivery's id, 8 to 64 characters of `A-Za-z0-9_-`. A repeated request with the same id adds nothing.
    pub delivery_id: String,
    /// The number of units to add.
    pub quantity: Quantity,
}

/// A product and its stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product's id.
    pub product_id: ProductId,
    /// The product's name.
    pub name: String,
    /// The price per unit.
    pub price: Money,
    /// The number of units in stock, including the reserved ones.
    pub quantity: i64,
    /// The number of units that are reserved for orders that are not confirmed yet.
    pub reserved: i64,
    /// The number of units that can be ordered: `quantity` − `reserved`.
    pub available: i64,
}

/// The status of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationStatus {
    /// The units are reserved for the order.
    Reserved,
    /// The units have left the stock.
    Confirmed,
    /// The units are free again, or were never reserved.
    Released,
    /// The reservation was refused. The reason says why.
    Refused,
}

/// A reservation, as `GET /api/inventory/reservations/…` returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// The saga that made the reservation.
    pub saga_id: SagaId,
    /// The id of the product.
    pub product_id: ProductId,
    /// The number of units.
    pub quantity: Quantity,
    /// The price per unit. It is absent if the product is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The status of the reservation.
    pub status: ReservationStatus,
    /// Why the reservation was refused or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When the row was created, in UTC, with microseconds.
    pub created_at: String,
    /// When the row last changed, in UTC, with microseconds.
    pub updated_at: String,
}
