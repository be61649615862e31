//! Decides which request an idempotency key belongs to.
//!
//! The first request with a key owns it. Temporal knows that request until the retention period is over; the order's
//! row still knows it after that. A later request with the same key may then have started its own workflow, which ends
//! with a refusal, because the rows belong to the first request.

use common::contract::Fingerprint;
use common::contract::order::OrderStatus;

use crate::saga::SagaOutcome;
use crate::temporal::RunState;

/// Which request the workflow and the order's row belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The workflow was started for this request.
    Workflow,
    /// The workflow was started for another request, but the order's row belongs to this one.
    Row,
    /// Neither belongs to this request.
    Other,
}

/// What a request does with the workflow that already exists under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// Wait for the workflow's outcome.
    Wait,
    /// Start the aborted workflow again.
    StartAgain,
    /// Wait for the workflow's outcome. If it does not belong to this request, start another workflow.
    WaitAndCompare,
    /// Refuse the request: the key belongs to another request.
    KeyReused,
}

/// The decision for a request whose key already has a workflow.
pub(super) fn join(owner: Owner, state: RunState) -> Join {
    match (owner, state) {
        (Owner::Workflow, RunState::Running | RunState::Completed) => Join::Wait,
        (Owner::Workflow | Owner::Row, RunState::Aborted) => Join::StartAgain,
        (Owner::Row, RunState::Running | RunState::Completed) => Join::WaitAndCompare,
        (Owner::Other, RunState::Running | RunState::Completed | RunState::Aborted) => Join::KeyReused,
    }
}

/// Whether the owner's saga has to run again after another request's saga with its key has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rerun {
    NotNeeded,
    Needed,
}

/// The decision after [`Join::WaitAndCompare`]. `None` means that the other saga ended without an outcome.
pub(super) fn rerun(outcome: Option<&SagaOutcome>, owner: &Fingerprint) -> Rerun {
    match outcome.map(|outcome| outcome.belongs_to(owner)) {
        Some(true) => Rerun::NotNeeded,
        Some(false) | None => Rerun::Needed,
    }
}

/// Whether the outcome of a completed workflow is the outcome of the order that owns the key. `row` is the fingerprint
/// in the order's row.
pub(super) fn is_owners_outcome(outcome: &SagaOutcome, row: Option<&Fingerprint>) -> bool {
    match (outcome.status, row) {
        // Only the owner's order can be paid.
        (OrderStatus::Confirmed, _) => true,
        (OrderStatus::Cancelled | OrderStatus::Pending, Some(owner)) => outcome.belongs_to(owner),
        (OrderStatus::Cancelled | OrderStatus::Pending, None) => outcome.belongs_to(&outcome.fingerprint),
    }
}

#[cfg(test)]
mod tests {
    use common::contract::Code;
    use common::ids::{OrderId, PaymentId};

    use super::*;

    fn fingerprint(digit: &str) -> Fingerprint {
        Fingerprint::try_from(digit.repeat(64)).expect("64 hex digits")
    }

    fn outcome(status: OrderStatus, code: Option<Code>) -> SagaOutcome {
        SagaOutcome {
            status,
            order_id: OrderId::new(),
            payment_id: PaymentId::new(),
            code,
            fingerprint: fingerprint("a"),
        }
    }

    #[test]
    fn the_request_of_the_workflow_waits_and_restarts_it_if_it_was_aborted() {
        assert_eq!(join(Owner::Workflow, RunState::Running), Join::Wait);
        assert_eq!(join(Owner::Workflow, RunState::Completed), Join::Wait);
        assert_eq!(join(Owner::Workflow, RunState::Aborted), Join::StartAgain);
    }

    #[test]
    fn the_request_of_the_row_compares_the_outcome_of_another_requests_workflow() {
        assert_eq!(join(Owner::Row, RunState::Running), Join::WaitAndCompare);
        assert_eq!(join(Owner::Row, RunState::Completed), Join::WaitAndCompare);
        assert_eq!(join(Owner::Row, RunState::Aborted), Join::StartAgain);
    }

    #[test]
    fn any_other_request_is_refused_in_every_state() {
        assert_eq!(join(Owner::Other, RunState::Running), Join::KeyReused);
        assert_eq!(join(Owner::Other, RunState::Completed), Join::KeyReused);
        assert_eq!(join(Owner::Other, RunState::Aborted), Join::KeyReused);
    }

    #[test]
    fn a_confirmed_outcome_is_always_the_owners() {
        let confirmed = outcome(OrderStatus::Confirmed, None);
        for row in [None, Some(fingerprint("a")), Some(fingerprint("b"))] {
            assert!(is_owners_outcome(&confirmed, row.as_ref()), "{row:?}");
        }
    }

    #[test]
    fn an_outcome_that_is_not_confirmed_is_the_owners_if_the_row_has_its_fingerprint() {
        for status in [OrderStatus::Cancelled, OrderStatus::Pending] {
            let other = outcome(status, Some(Code::PAYMENT_DECLINED));
            assert!(is_owners_outcome(&other, Some(&fingerprint("a"))), "{status:?}");
            assert!(!is_owners_outcome(&other, Some(&fingerprint("b"))), "{status:?}");
            assert!(is_owners_outcome(&other, None), "{status:?}");
        }
    }

    #[test]
    fn the_owners_saga_runs_again_unless_its_outcome_is_known() {
        let cancelled = outcome(OrderStatus::Cancelled, Some(Code::PAYMENT_DECLINED));
        assert_eq!(rerun(Some(&cancelled), &fingerprint("a")), Rerun::NotNeeded);
        assert_eq!(rerun(Some(&cancelled), &fingerprint("b")), Rerun::Needed);
        assert_eq!(rerun(None, &fingerprint("a")), Rerun::Needed);
        let met_other_rows = outcome(OrderStatus::Cancelled, Some(Code::IDEMPOTENCY_KEY_REUSED));
        assert_eq!(rerun(Some(&met_other_rows), &fingerprint("a")), Rerun::Needed);
    }

    #[test]
    fn an_outcome_that_met_another_requests_rows_is_never_the_owners() {
        let refused = outcome(OrderStatus::Cancelled, Some(Code::IDEMPOTENCY_KEY_REUSED));
        for row in [None, Some(fingerprint("a")), Some(fingerprint("b"))] {
            assert!(!is_owners_outcome(&refused, row.as_ref()), "{row:?}");
        }
    }
}
