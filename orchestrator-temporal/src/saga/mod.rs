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
use common::contract::{Code, SagaOrder};
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
    /// With this step; `None` if it is given up at the deadline anyway.
    pub(crate) fn with(self, step: &str) -> Option<Duration> {
        match step {
            "order.confirm" | "stock.confirm" | "payment.cancel" | "payment.settle" | "stock.release"
            | "order.cancel" => Some(self.step),
            // After the deadline it is tried only if the money is known to be taken, and then until it is done.
            "payment.pay" => Some(self.step.max(self.deadline)),
            _ => None,
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
}

impl SagaOutcome {
    /// Was the key another order's? Then this says nothing about the order that the key belongs to.
    pub(crate) fn is_of_another_order(&self) -> bool {
        self.code == Some(Code::IDEMPOTENCY_KEY_REUSED)
    }
}
