//! One server of each kind for all tests of a process, for tests that do not break it.
//!
//! Each is started by the first test that asks. Tests keep out of each other's way by names of their own:
//! [`unique`](crate::unique) databases, key prefixes and task queues.

use std::sync::OnceLock;

use super::{MariaDb, Redis, Temporal};

/// The database server of this test process.
pub async fn database() -> &'static MariaDb {
    static SHARED: OnceLock<MariaDb> = OnceLock::new();
    started(&SHARED, MariaDb::start).await
}

/// The Redis of this test process.
pub async fn redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    started(&SHARED, Redis::start).await
}

/// The Temporal server of this test process.
pub async fn temporal() -> &'static Temporal {
    static SHARED: OnceLock<Temporal> = OnceLock::new();
    started(&SHARED, Temporal::start).await
}

/// Starts the server on a thread with a runtime of its own: the runtime of the test that asks first may end
/// while others wait.
async fn started<S: Send + Sync>(
    shared: &'static OnceLock<S>,
    start: impl AsyncFnOnce() -> S + Send + 'static,
) -> &'static S {
    let first = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a thread can have a runtime").block_on(start())
    };
    let (done, ready) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || done.send(shared.get_or_init(first)));
    ready.await.expect("the shared server starts (the reason is printed above)")
}
