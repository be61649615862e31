//! The order saga: its table of steps, its workflow, its activities.

mod activities;
mod decision;
mod policy;
mod steps;
pub mod table;
#[cfg(test)]
mod tests;
mod workflow;

pub(crate) use activities::Activities;
use common::contract::order::OrderStatus;
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{OrderId, PaymentId};
use common::telemetry::trace::TraceContext;
pub(crate) use decision::Decision;
use serde::{Deserialize, Serialize};
pub(crate) use workflow::OrderSaga;

/// The input of the workflow. Unknown fields are ignored, because the next release may send them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SagaInput {
    pub(crate) order: SagaOrder,
    /// The deadline, in milliseconds after the start of the workflow.
    pub(crate) deadline_ms: u64,
    pub(crate) trace: TraceContext,
}

/// The result of the workflow. A refused or cancelled order is a completed workflow with this result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SagaOutcome {
    /// CONFIRMED or CANCELLED.
    pub(crate) status: OrderStatus,
    /// The id in the order's row.
    pub(crate) order_id: OrderId,
    /// The id in the payment's row.
    pub(crate) payment_id: PaymentId,
    /// Why the order was cancelled: the code of the first refusal.
    pub(crate) code: Option<Code>,
    pub(crate) fingerprint: Fingerprint,
}

impl SagaOutcome {
    /// Whether this is the outcome of the request with this fingerprint. The saga may belong to another request, or it
    /// may have found the rows of another request.
    pub(crate) fn belongs_to(&self, request: &Fingerprint) -> bool {
        self.code != Some(Code::IDEMPOTENCY_KEY_REUSED) && self.fingerprint == *request
    }
}
