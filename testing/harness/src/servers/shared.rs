//! One server of each kind that all tests of a process share. Tests that stop or break a server must not use these.
//!
//! The first use starts the server. Tests use [`unique`](crate::unique) databases, key prefixes and task queues, so
//! they do not disturb each other.

use std::sync::OnceLock;

use super::{MariaDb, Redis, Temporal};

/// The database server of this test process.
pub async fn database() -> &'static MariaDb {
    static SHARED: OnceLock<MariaDb> = OnceLock::new();
    started(&SHARED, MariaDb::start).await
}

/// The Redis server of this test process.
pub async fn redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    started(&SHARED, Redis::start).await
}

/// The Temporal server of this test process.
pub async fn temporal() -> &'static Temporal {
    static SHARED: OnceLock<Temporal> = OnceLock::new();
    started(&SHARED, Temporal::start).await
}

/// Starts the server on a new thread with its own runtime, because a test's runtime may end while other tests wait.
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
    ready.await.expect("the shared server starts (its error is printed above)")
}
