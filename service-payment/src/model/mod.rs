//! The payment row's decision table: pure, no I/O. Whichever of pay and cancel commits first wins, for ever.

use common::contract::payment::PaymentStatus;

/// Who has an APPROVING row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lease {
    /// This very call: it inserted the row, or took it over.
    Mine,
    /// Another call, and its time is not over.
    Live,
    /// Another call that did not come back in time.
    Over,
}

/// What a call of `pay` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pay {
    /// Ask the gateway to approve.
    Approve,
    /// Take the lease over; the gateway may have been asked already.
    TakeOver,
    /// Answer: paid.
    Paid,
    /// Answer: another call is at it.
    InProgress,
    /// Answer: the gateway said no.
    Declined,
    /// Answer: the saga was cancelled.
    Cancelled,
}

/// `payment.pay` on a row that is there, possibly just inserted by this very call.
pub(crate) fn pay(status: PaymentStatus, lease: Lease) -> Pay {
    match (status, lease) {
        (PaymentStatus::Approving, Lease::Mine) => Pay::Approve,
        (PaymentStatus::Approving, Lease::Live) => Pay::InProgress,
        (PaymentStatus::Approving, Lease::Over) => Pay::TakeOver,
        (PaymentStatus::Approved, _) => Pay::Paid,
        (PaymentStatus::Declined, _) => Pay::Declined,
        (PaymentStatus::Cancelling | PaymentStatus::Cancelled, _) => Pay::Cancelled,
    }
}

/// What a call of `cancel` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// The row becomes CANCELLING: decided, and to be settled with the gateway.
    Decide,
    /// Answer: decided already.
    Decided,
    /// Answer: paid; the saga goes forward.
    AlreadyPaid,
}

/// `payment.cancel` on a row that is there, possibly just inserted as a tombstone by this very call.
pub(crate) fn cancel(status: PaymentStatus) -> Cancel {
    match status {
        PaymentStatus::Approving => Cancel::Decide,
        PaymentStatus::Approved => Cancel::AlreadyPaid,
        PaymentStatus::Declined | PaymentStatus::Cancelling | PaymentStatus::Cancelled => Cancel::Decided,
    }
}

/// What a call of `settle` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settle {
    /// Tell the gateway, then the row becomes CANCELLED.
    TellGateway,
    /// Nothing is left to do.
    Settled,
    /// Nothing is decided yet.
    Undecided,
    /// Paid: there is nothing to settle, and whoever asks is wrong.
    AlreadyPaid,
}

/// `payment.settle`.
pub(crate) fn settle(status: PaymentStatus) -> Settle {
    match status {
        PaymentStatus::Cancelling => Settle::TellGateway,
        PaymentStatus::Cancelled | PaymentStatus::Declined => Settle::Settled,
        PaymentStatus::Approving => Settle::Undecided,
        PaymentStatus::Approved => Settle::AlreadyPaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PaymentStatus::{Approved, Approving, Cancelled, Cancelling, Declined};

    #[test]
    fn the_decision_table_for_pay() {
        for lease in [Lease::Mine, Lease::Live, Lease::Over] {
            assert_eq!(pay(Approved, lease), Pay::Paid);
            assert_eq!(pay(Declined, lease), Pay::Declined);
            assert_eq!(pay(Cancelling, lease), Pay::Cancelled);
            assert_eq!(pay(Cancelled, lease), Pay::Cancelled);
        }
        assert_eq!(pay(Approving, Lease::Live), Pay::InProgress);
        assert_eq!(pay(Approving, Lease::Over), Pay::TakeOver);
    }

    #[test]
    fn the_decision_table_for_cancel() {
        assert_eq!(cancel(Approving), Cancel::Decide);
        assert_eq!(cancel(Approved), Cancel::AlreadyPaid);
        for decided in [Declined, Cancelling, Cancelled] {
            assert_eq!(cancel(decided), Cancel::Decided);
        }
    }

    #[test]
    fn only_a_decided_cancel_is_settled() {
        assert_eq!(settle(Cancelling), Settle::TellGateway);
        assert_eq!(settle(Approving), Settle::Undecided);
        assert_eq!(settle(Approved), Settle::AlreadyPaid);
    }
}
