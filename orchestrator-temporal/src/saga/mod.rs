//! The order saga: its public face.

mod activities;
mod policy;
mod steps;
#[cfg(test)]
mod tests;
mod workflow;

use std::time::Duration;

pub(crate) use activities::Activities;
use common::contract::order::OrderStatus;
use common::contract::{Code, Fingerprint, SagaOrder};
use common::ids::{OrderId, PaymentId};
use common::telemetry::trace::TraceContext;
use serde::{Deserialize, Serialize};
pub(crate) use workflow::OrderSaga;

/// How long an order may go without what it waits for before it needs a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// With an undo or a confirm.
    pub(crate) step: Duration,
    /// An order's time from its start to its payment.
    pub(crate) deadline: Duration,
}

impl Patience {
    /// With this step.
    pub(crate) fn with(self, step: &str) -> Duration {
        match step {
            "order.confirm" | "stock.confirm" | "payment.cancel" | "payment.settle" | "stock.release"
            | "order.cancel" => self.step,
            // After the deadline it is tried only if the money is known to be taken, and then until it is done.
            "payment.pay" => self.step.max(self.deadline),
            // Given up at the deadline, if a worker is there to do so.
            _ => self.with_silence(),
        }
    }

    /// With a saga that runs although none of its steps is being tried: no worker has it, or none can run it.
    pub(crate) fn with_silence(self) -> Duration {
        self.deadline + self.step
    }
}

/// What a saga starts with. Unknown fields are ignored: the next release may send them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SagaInput {
    /// The order.
    pub(crate) order: SagaOrder,
    /// From the start to the payment, in milliseconds.
    pub(crate) deadline_ms: u64,
    /// The request that asked for it.
    pub(crate) trace: TraceContext,
}

/// How a saga ended. A refused or cancelled order is a saga that completed, and says so here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SagaOutcome {
    /// CONFIRMED or CANCELLED.
    pub(crate) status: OrderStatus,
    /// The order's id, as its row has it.
    pub(crate) order_id: OrderId,
    /// The payment's id, as its row has it.
    pub(crate) payment_id: PaymentId,
    /// Why it was cancelled: the first refusal's code.
    pub(crate) code: Option<Code>,
    /// The request that it is the outcome of; a saga of an older release does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl SagaOutcome {
    /// Is it the outcome of this request? The key may have been another one's: then this says nothing about its order.
    pub(crate) fn is_of(&self, request: &Fingerprint) -> bool {
        self.code != Some(Code::IDEMPOTENCY_KEY_REUSED) && self.fingerprint.as_ref().is_none_or(|own| own == request)
    }
}
