//! Payments: pay, cancel, settle, read. The payment row decides the saga, not the workflow.
//!
//! Floors, each of which may use those below it: `http` (axum: parse, call, render) → `domain` (use cases, one
//! transaction each) → `store` (SQL, one file a table) and `gateway` (the card network) → `model` (states and their
//! legal transitions, no I/O).

mod config;
mod domain;
mod gateway;
mod http;
mod model;
mod store;

use std::sync::Arc;
use std::time::Duration;

use common::config::Env;
use common::database::Database;
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::service::Service;
use sqlx::migrate::Migrator;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::domain::Payments;
use crate::gateway::{Bounded, Permits, Simulator};

/// The port unless `SERVER_PORT` says otherwise.
pub const PORT: u16 = 21084;

/// The schema of the database `payments`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The schema of the database `gateway`, the simulator's own ledger.
pub static GATEWAY_MIGRATOR: Migrator = sqlx::migrate!("./migrations-gateway");

/// How long calls to the gateway may still run when the process ends.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// Runs the service until SIGTERM.
///
/// # Errors
/// A setting is wrong, or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let config = Config::from_env(&env)?;
    let lifecycle = Lifecycle::default();
    let ledger = Database::new(config.gateway, config.service.connections);
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), config.service, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });

    let simulator = Simulator::new(ledger.pool().clone(), config.gateway_delay);
    let permits = Permits::new(config.permits, service.cache.clone());
    let gateway = Bounded::new(simulator, permits, config.gateway_limit);
    let database = service.database.clone();
    let calls = TaskTracker::new();
    let payments = Payments::new(database.pool().clone(), Arc::new(gateway), config.lease);
    let routes = http::routes(http::AppState { payments, calls: calls.clone() });
    let prepare = async move {
        database.prepare(&MIGRATOR).await;
        ledger.prepare(&GATEWAY_MIGRATOR).await;
    };
    service.serve(routes, prepare).await?;
    calls.close();
    let _ = tokio::time::timeout(FINISH_LIMIT, calls.wait()).await;
    Ok(())
}
