//! For tests only: real servers, the product's own processes, and proxies that make faults.
//!
//! * [`servers`]: a private MariaDB, Redis and Temporal on free ports; [`servers::shared`] has one of each for
//!   all tests of a process.
//! * [`process`]: the product's binaries as processes that can be killed, paused and restarted.
//! * [`proxy`]: a TCP proxy, for faults before MariaDB, Redis and Temporal.
//! * [`faults`]: an HTTP proxy, for faults between the orchestrator and a service.
//! * [`wait`]: waiting for a condition, with a limit.
//!
//! Nothing outlives the test process, even if it is killed with SIGKILL (see `daemon.rs` and `scratch.rs`).
//! Whatever goes wrong here fails the test, so functions panic with a sentence instead of returning errors.

mod build;
mod daemon;
pub mod faults;
mod http;
mod launch;
mod ports;
pub mod process;
pub mod proxy;
mod scratch;
pub mod servers;
mod tools;
pub mod wait;

use std::sync::atomic::{AtomicU32, Ordering};

pub use build::ensure_built;
pub use hyper::HeaderMap;
pub use hyper::body::Bytes;
pub use ports::free_port;

/// A name that no other test of this run has: `orders` becomes, say, `orders_1a2b_3`.
///
/// Good for databases, Temporal task queues and Redis key prefixes.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{:x}_{number:x}", std::process::id())
}
