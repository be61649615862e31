//! Waiting for a condition, with a limit, instead of sleeping.

use std::panic::Location;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `check` answers true; after `limit` it panics, naming `what` and the caller's line.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut check: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    until_some(what, limit, async move || check().await.then_some(()))
}

/// Waits until `check` answers with a value, and returns it; after `limit` it panics, naming `what` and the
/// caller's line.
///
/// A single check that hangs is given up at the limit too.
#[track_caller]
pub fn until_some<T>(
    what: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    let what = what.to_owned();
    async move {
        let begin = Instant::now();
        let mut looks = 0;
        let waiting = async {
            loop {
                looks += 1;
                if let Some(value) = check().await {
                    return value;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(value) => value,
            Err(_) => {
                let waited = begin.elapsed();
                panic!("waited {waited:.1?} (looked {looks} times) for: {what}, at {caller}")
            }
        }
    }
}
