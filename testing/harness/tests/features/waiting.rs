//! Waiting for conditions.

use std::time::Duration;

use harness::wait;

#[tokio::test]
async fn waiting_ends_as_soon_as_the_condition_holds() {
    let mut looks = 0;
    let third = wait::until_some("the third look", Duration::from_secs(5), async || {
        looks += 1;
        (looks == 3).then_some(looks)
    });
    assert_eq!(third.await, 3);
}

#[tokio::test]
#[should_panic(expected = "for: pigs to fly, at testing/harness/tests/features/waiting.rs:20")]
async fn waiting_in_vain_panics_with_what_and_where() {
    wait::until("pigs to fly", Duration::from_millis(50), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "a check that hangs")]
async fn a_check_that_hangs_is_given_up_at_the_limit() {
    wait::until("a check that hangs", Duration::from_millis(50), async || std::future::pending().await).await;
}

#[tokio::test]
async fn waiting_can_be_done_in_a_task() {
    let waiting = tokio::spawn(async {
        wait::until("at once", Duration::from_secs(1), async || true).await;
    });
    waiting.await.expect("the task does not panic");
}
