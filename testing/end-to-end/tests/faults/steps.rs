//! Orders with a fault in the calls to one step.

use end_to_end::steps::{ORDER_LIMIT, Outcome, Step, cancel_order, final_answer, start_order, wait_for_payment_status};
use end_to_end::{Reply, TestSystem};
use harness::faults::Call;
use harness::wait;

/// Waits until all faulty calls to this step for this order have ended, and returns them.
pub(crate) async fn faulty_calls(step: Step, system: &TestSystem, key: &str) -> Vec<Call> {
    wait::until_some(&format!("the faulty calls of {key} to end"), ORDER_LIMIT, async || {
        let faulty: Vec<_> = step.calls(system, key).into_iter().filter(|call| call.fault.is_some()).collect();
        faulty.iter().all(|call| call.ended).then_some(faulty)
    })
    .await
}

/// Places an order that leads to this outcome, and waits for its final answer.
pub(crate) async fn run_to_end(system: &TestSystem, key: &str, outcome: Outcome) -> Reply {
    let body = outcome.order();
    if outcome == Outcome::Cancelled {
        start_order(system, key, &body).await;
        wait_for_payment_status(system, key, "APPROVING").await;
        assert_eq!(cancel_order(system, key).await.status, 202, "DELETE of {key}");
    }
    final_answer(system, key, &body).await
}
