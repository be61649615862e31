//! Calls that crash, and calls that start at the same time.

use std::future::poll_fn;
use std::task::Poll;

use tokio::task::JoinSet;

/// Runs a call and drops it when it waits for the nth time, for example for an answer from the database. A killed
/// process has the same effect: what the call has sent may still arrive. Returns `None` if the call was dropped.
pub async fn crashed_after<T>(crash_at: Option<u32>, call: impl Future<Output = T>) -> Option<T> {
    let Some(mut left) = crash_at else { return Some(call.await) };
    let mut call = Box::pin(call);
    poll_fn(move |context| match call.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Runs the calls at the same time, on all threads of the runtime. Returns their results in the order of the calls.
///
/// # Panics
/// Panics if a call panics.
pub async fn start_together<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = JoinSet::new();
    for (number, call) in calls.into_iter().enumerate() {
        running.spawn(async move { (number, call.await) });
    }
    let mut results = running.join_all().await;
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_crashes_where_it_waits() {
        let waits_twice = async || {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(crashed_after(None, waits_twice()).await, Some(7));
        assert_eq!(crashed_after(Some(3), waits_twice()).await, Some(7));
        assert_eq!(crashed_after(Some(2), waits_twice()).await, None);
        assert_eq!(crashed_after(Some(1), waits_twice()).await, None);
    }
}
