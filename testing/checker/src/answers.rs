//! What clients were told must agree with the end.

use crate::books::Books;
use crate::report::Report;

/// What a client was told of a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The saga.
    pub saga: String,
    /// What was said.
    pub said: Said,
}

/// The kinds of answers that promise something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// 200 CONFIRMED, with these ids.
    Confirmed {
        /// The order's id.
        order_id: String,
        /// The payment's id.
        payment_id: String,
    },
    /// 202: taken, with these ids.
    Taken {
        /// The order's id.
        order_id: String,
        /// The payment's id.
        payment_id: String,
    },
    /// The order ended CANCELLED, with this code.
    Cancelled {
        /// The first refusal's code.
        code: String,
    },
    /// A DELETE was answered 202: the order ends CANCELLED.
    WillBeCancelled,
    /// A DELETE was answered `ORDER_ALREADY_PAID`: the order ends CONFIRMED.
    WillBeConfirmed,
}

pub(crate) fn judge(books: &Books, answers: &[Answer], report: &mut Report) {
    for answer in answers {
        let Some(order) = books.orders.get(&answer.saga) else {
            // Taken, and not begun.
            if matches!(answer.said, Said::Taken { .. }) {
                continue;
            }
            report.fault(&answer.saga, format!("a client was told {:?}, but there is no order", answer.said));
            continue;
        };
        let has = |order_id: &str, payment_id: &str| order.order_id == order_id && order.payment_id == payment_id;
        let agrees = match &answer.said {
            Said::Confirmed { order_id, payment_id } => order.status == "CONFIRMED" && has(order_id, payment_id),
            Said::Taken { order_id, payment_id } => has(order_id, payment_id),
            Said::Cancelled { code } => order.status == "CANCELLED" && order.reason.as_deref() == Some(code.as_str()),
            // An order that is not at its end yet can still keep its promise.
            Said::WillBeCancelled => order.status != "CONFIRMED",
            Said::WillBeConfirmed => order.status != "CANCELLED",
        };
        if !agrees {
            let end = format!("{} {:?} {}", order.status, order.reason, order.order_id);
            report.fault(&answer.saga, format!("a client was told {:?}, but the order is {end}", answer.said));
        }
    }
}
