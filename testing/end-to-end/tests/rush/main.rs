//! Many requests at once, each answered once and for all: a 503 counts as a failure here, so nothing is repeated.

mod buyers;
mod one_key;

use end_to_end::{Service, World};
use tokio::sync::{Mutex, MutexGuard};

/// A world that has Temporal for itself, for a rush beside another one could take longer than a client waits.
async fn rush() -> (World, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let alone = ALONE.lock().await;
    let world = World::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 120_000).start().await;
    (world, alone)
}
