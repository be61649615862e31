//! service-inventory: paths, requests, answers.

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

/// The answer of `stock.reserve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The price of one piece that was checked and stands in the reservation.
    pub unit_price: Money,
}

/// `POST /api/inventory/products`: a new product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProduct {
    /// Its id, chosen by the caller, so that a repeated call makes no second one.
    pub product_id: ProductId,
    /// Its name, 1 to 200 characters.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
    /// How many pieces there are at first; 0 unless said otherwise.
    #[serde(default)]
    pub quantity: u32,
}

/// `POST /api/inventory/products/{productId}/stock`: pieces that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddStock {
    /// The delivery's id, 8 to 64 of `A-Za-z0-9_-`: a repeated call adds nothing.
    pub delivery_id: String,
    /// How many pieces.
    pub quantity: Quantity,
}

/// A product and its stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its id.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
    /// Pieces that are here, the reserved ones among them.
    pub quantity: i64,
    /// Pieces that are promised to orders not yet confirmed.
    pub reserved: i64,
    /// Pieces that can be ordered: `quantity - reserved`.
    pub available: i64,
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationStatus {
    /// The pieces are promised.
    Reserved,
    /// The pieces are gone.
    Confirmed,
    /// The pieces are back, or never were taken.
    Released,
    /// The reservation was refused; the reason says why.
    Refused,
}

/// A reservation as service-inventory shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Whose.
    pub saga_id: SagaId,
    /// Of what.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one piece, where a product was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// Where it stands.
    pub status: ReservationStatus,
    /// Why it was refused or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// When it was made, UTC.
    pub created_at: String,
    /// When it last changed, UTC.
    pub updated_at: String,
}
