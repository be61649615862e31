//! Tests of the functions that wait for a condition.

use std::time::Duration;

use harness::wait;

#[tokio::test]
async fn waiting_ends_as_soon_as_the_condition_holds() {
    let mut checks = 0;
    let third = wait::until_some("the third check", Duration::from_secs(5), async || {
        checks += 1;
        (checks == 3).then_some(checks)
    });
    assert_eq!(third.await, 3);
}

#[tokio::test]
#[should_panic(expected = "for: pigs to fly, at testing/harness/tests/features/waiting.rs:20")]
async fn a_wait_without_success_panics_with_the_condition_and_the_place() {
    wait::until("pigs to fly", Duration::from_millis(50), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "a check that hangs")]
async fn a_check_that_hangs_ends_at_the_limit() {
    wait::until("a check that hangs", Duration::from_millis(50), async || std::future::pending().await).await;
}

#[tokio::test]
async fn a_task_can_wait() {
    let waiting = tokio::spawn(async {
        wait::until("nothing", Duration::from_secs(1), async || true).await;
    });
    waiting.await.expect("the task does not panic");
}
