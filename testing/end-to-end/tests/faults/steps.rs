//! Orders whose calls a rule of the proxy has struck.

use end_to_end::steps::{Ending, ORDER_LIMIT, Step, begin, cancel, last_answer, payment_is};
use end_to_end::{Reply, World};
use harness::faults::Call;
use harness::wait;

/// This order's calls of this step that a rule has caught, as soon as they have all ended.
pub(crate) async fn struck(step: Step, world: &World, key: &str) -> Vec<Call> {
    wait::until_some(&format!("{key}: the proxy to be done"), ORDER_LIMIT, async || {
        let struck: Vec<_> = step.calls(world, key).into_iter().filter(|call| call.fault.is_some()).collect();
        struck.iter().all(|call| call.ended).then_some(struck)
    })
    .await
}

/// Places an order that ends so by itself, and waits for its end.
pub(crate) async fn run_to_end(world: &World, key: &str, ending: Ending) -> Reply {
    let body = ending.body();
    if ending == Ending::Cancelled {
        begin(world, key, &body).await;
        payment_is(world, key, "APPROVING").await;
        assert_eq!(cancel(world, key).await.status, 202, "{key}: DELETE");
    }
    last_answer(world, key, &body).await
}
