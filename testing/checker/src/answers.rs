//! Compares the answers that clients received with how the orders ended.

use crate::ledgers::{Ledgers, OrderRow};
use crate::report::Report;

/// An answer that a client received about a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The saga's id.
    pub saga: String,
    /// What the answer promised.
    pub promise: Promise,
}

/// What an answer promised the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promise {
    /// 200: the order is CONFIRMED, with these ids.
    Confirmed {
        /// The order's id.
        order_id: String,
        /// The payment's id.
        payment_id: String,
    },
    /// 202: the order is accepted, with these ids.
    Accepted {
        /// The order's id.
        order_id: String,
        /// The payment's id.
        payment_id: String,
    },
    /// The order is CANCELLED, with this code.
    Cancelled {
        /// The code of the first refusal.
        code: String,
    },
    /// The answer 200 or 202 to a DELETE: the order will end CANCELLED.
    WillBeCancelled,
    /// The answer `ORDER_ALREADY_PAID` to a DELETE: the order will end CONFIRMED.
    WillBeConfirmed,
}

impl Promise {
    /// Whether the order keeps this promise. An unfinished order can still keep the promise of a DELETE.
    fn is_kept_by(&self, order: &OrderRow) -> bool {
        match self {
            Self::Confirmed { order_id, payment_id } => order.status == "CONFIRMED" && order.has(order_id, payment_id),
            Self::Accepted { order_id, payment_id } => order.has(order_id, payment_id),
            Self::Cancelled { code } => order.status == "CANCELLED" && order.reason.as_deref() == Some(code.as_str()),
            Self::WillBeCancelled => order.status != "CONFIRMED",
            Self::WillBeConfirmed => order.status != "CANCELLED",
        }
    }
}

pub(crate) fn verify_answers(ledgers: &Ledgers, answers: &[Answer], report: &mut Report) {
    for Answer { saga, promise } in answers {
        match ledgers.orders.get(saga) {
            Some(order) if promise.is_kept_by(order) => {}
            Some(OrderRow { status, reason, order_id, .. }) => {
                let order = format!("order {order_id} is {status} with the reason {reason:?}");
                report.error(saga, format!("a client received {promise:?}, but {order}"));
            }
            // The saga of an accepted order may not have created the order's row yet.
            None if matches!(promise, Promise::Accepted { .. }) => {}
            None => report.error(saga, format!("a client received {promise:?}, but the order does not exist")),
        }
    }
}
