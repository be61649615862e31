//! Many requests at the same time. Each must get its final answer: a 503 is a failure here, and no request is repeated.

mod buyers;
mod one_key;

use end_to_end::{Service, TestSystem};
use tokio::sync::{Mutex, MutexGuard};

/// Starts a system for one test. Only one of these tests runs at a time: together they could take longer than a client
/// waits.
async fn system_for_one_test() -> (TestSystem, MutexGuard<'static, ()>) {
    static ONE_TEST: Mutex<()> = Mutex::const_new(());
    let guard = ONE_TEST.lock().await;
    let system = TestSystem::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 120_000).start().await;
    (system, guard)
}
