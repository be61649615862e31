//! Waits for a condition, with a limit. Tests use this instead of a fixed sleep.

use std::panic::Location;
use std::time::{Duration, Instant};

/// The pause between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `check` returns true. After `limit` it panics with `what` and the caller's line.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut check: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    until_some(what, limit, async move || check().await.then_some(()))
}

/// Waits until `check` returns a value, and returns this value. After `limit` it panics with `what` and the caller's
/// line, even if a single check hangs.
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
        let mut checks = 0;
        let waiting = async {
            loop {
                checks += 1;
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
                panic!("waited {waited:.1?} ({checks} checks) for: {what}, at {caller}")
            }
        }
    }
}
