//! The decision table of the payment row (no I/O). The first commit, by `pay` or `cancel`, decides how the saga ends.

use common::contract::payment::PaymentStatus;

/// The state of the lease on an APPROVING row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lease {
    /// This call has the lease: it inserted the row or took it over.
    Own,
    /// Another call has the lease.
    Running,
    /// Another call had the lease and did not finish in time.
    Expired,
}

/// What a call to `pay` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pay {
    /// Ask the gateway to approve.
    Approve,
    /// Take the lease over. Another call may have asked the gateway already.
    TakeOver,
    Paid,
    InProgress,
    Declined,
    SagaCancelled,
}

/// `payment.pay` on an existing row. The same call may have just inserted it.
pub(crate) fn pay(status: PaymentStatus, lease: Lease) -> Pay {
    match (status, lease) {
        (PaymentStatus::Approving, Lease::Own) => Pay::Approve,
        (PaymentStatus::Approving, Lease::Running) => Pay::InProgress,
        (PaymentStatus::Approving, Lease::Expired) => Pay::TakeOver,
        (PaymentStatus::Approved, _) => Pay::Paid,
        (PaymentStatus::Declined, _) => Pay::Declined,
        (PaymentStatus::Cancelling | PaymentStatus::Cancelled, _) => Pay::SagaCancelled,
    }
}

/// What a call to `cancel` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// Set the row to CANCELLING. The gateway must then void the payment.
    MarkCancelling,
    AlreadyDecided,
    AlreadyPaid,
}

/// `payment.cancel` on an existing row. The same call may have just inserted it as a tombstone.
pub(crate) fn cancel(status: PaymentStatus) -> Cancel {
    match status {
        PaymentStatus::Approving => Cancel::MarkCancelling,
        PaymentStatus::Approved => Cancel::AlreadyPaid,
        PaymentStatus::Declined | PaymentStatus::Cancelling | PaymentStatus::Cancelled => Cancel::AlreadyDecided,
    }
}

/// What a call to `void` must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Void {
    /// Cancel the charge at the gateway, then set the row to CANCELLED.
    CallGateway,
    NothingToDo,
    NotDecided,
    AlreadyPaid,
}

/// `payment.void` on an existing row.
pub(crate) fn void(status: PaymentStatus) -> Void {
    match status {
        PaymentStatus::Cancelling => Void::CallGateway,
        PaymentStatus::Cancelled | PaymentStatus::Declined => Void::NothingToDo,
        PaymentStatus::Approving => Void::NotDecided,
        PaymentStatus::Approved => Void::AlreadyPaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PaymentStatus::{Approved, Approving, Cancelled, Cancelling, Declined};

    #[test]
    fn the_decision_table_for_pay() {
        for lease in [Lease::Own, Lease::Running, Lease::Expired] {
            assert_eq!(pay(Approved, lease), Pay::Paid);
            assert_eq!(pay(Declined, lease), Pay::Declined);
            assert_eq!(pay(Cancelling, lease), Pay::SagaCancelled);
            assert_eq!(pay(Cancelled, lease), Pay::SagaCancelled);
        }
        assert_eq!(pay(Approving, Lease::Own), Pay::Approve);
        assert_eq!(pay(Approving, Lease::Running), Pay::InProgress);
        assert_eq!(pay(Approving, Lease::Expired), Pay::TakeOver);
    }

    #[test]
    fn the_decision_table_for_cancel() {
        assert_eq!(cancel(Approving), Cancel::MarkCancelling);
        assert_eq!(cancel(Approved), Cancel::AlreadyPaid);
        for decided in [Declined, Cancelling, Cancelled] {
            assert_eq!(cancel(decided), Cancel::AlreadyDecided);
        }
    }

    #[test]
    fn the_decision_table_for_void() {
        assert_eq!(void(Cancelling), Void::CallGateway);
        assert_eq!(void(Cancelled), Void::NothingToDo);
        assert_eq!(void(Declined), Void::NothingToDo);
        assert_eq!(void(Approving), Void::NotDecided);
        assert_eq!(void(Approved), Void::AlreadyPaid);
    }
}
