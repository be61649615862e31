//! For tests only: real servers, the product's processes, and proxies that inject faults.
//!
//! * [`servers`]: private MariaDB, Redis and Temporal servers on free ports. [`servers::shared`] has one of each for
//!   all tests of a process.
//! * [`process`]: the product's binaries as processes that tests kill, pause and restart.
//! * [`proxy`]: a TCP proxy that injects faults in front of MariaDB, Redis and Temporal.
//! * [`faults`]: an HTTP proxy that injects faults between the orchestrator and a service.
//! * [`wait`]: functions that wait for a condition, with a limit.
//!
//! When the test process ends, even by SIGKILL, its children end and its files are removed (`launch.rs`, `scratch.rs`).
//! An error in this crate fails the test, so the functions panic with a message instead of returning an error.

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

/// A name that no other test of this run uses: `orders` becomes, for example, `orders_1a2b_3`.
///
/// Use it for databases, Temporal task queues and Redis key prefixes.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{:x}_{number:x}", std::process::id())
}
