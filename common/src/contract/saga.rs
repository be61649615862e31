//! What every step call of the saga carries.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::Code;
use super::order::PlaceOrder;
use crate::ids::{CustomerId, OrderId, PaymentId, ProductId, Quantity, SagaId};
use crate::money::Money;

/// SHA-256 over the parsed request, in hex: two requests with one key are the same if, and only if, theirs agree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a request, defaults filled in and numbers normalised (`20000` = `20000.00`).
    #[must_use]
    pub fn of(request: &PlaceOrder) -> Self {
        let text = format!(
            "v1|{}|{}|{}|{}|{}",
            request.customer_id, request.product_id, request.quantity, request.amount, request.payment_method
        );
        let digest = Sha256::digest(text.as_bytes());
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The hex text, 64 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, &'static str> {
        if hex.len() == 64 && hex.bytes().all(|c| b"0123456789abcdef".contains(&c)) {
            Ok(Self(hex))
        } else {
            Err("must be 64 hex digits")
        }
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0
    }
}

/// The payment method as the payment gateway knows it: 1 to 40 of `A-Z0-9_`.
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

/// The order as every step sees it. All ids are chosen before the first step, so that each retry is the same call.
///
/// Unknown fields are ignored: the next release may send them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SagaOrder {
    /// The saga, and the Temporal workflow.
    pub saga_id: SagaId,
    /// Which request this is; a row with another fingerprint belongs to another request and is left alone.
    pub fingerprint: Fingerprint,
    /// The order's id, unless a row of this saga has one already.
    pub order_id: OrderId,
    /// The payment's id, unless a row of this saga has one already.
    pub payment_id: PaymentId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// What.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// For how much in all.
    pub amount: Money,
    /// How it is paid.
    pub payment_method: PaymentMethod,
}

/// The body of every undo call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndoRequest {
    /// The order that is undone.
    pub order: SagaOrder,
    /// Why. The first reason stays, whatever later calls say.
    pub reason: Code,
}

/// The answer of a confirm, settle, release or cancel call that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDone {
    /// The row's state now, such as `CONFIRMED`.
    pub status: String,
}

/// A saga that has not come to its end, as `GET …/unfinished` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnfinishedSaga {
    /// Which.
    pub saga_id: SagaId,
    /// The row's state.
    pub status: String,
    /// How long ago the row was made, in seconds by the database's clock.
    pub age_seconds: i64,
}

/// The query of `GET …/unfinished`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Age {
    /// Only those that were made longer ago than so many seconds; twice the saga's deadline unless said otherwise.
    #[serde(default = "twice_the_deadline")]
    pub older_than_seconds: u32,
}

fn twice_the_deadline() -> u32 {
    120
}
