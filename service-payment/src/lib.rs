//! Payments: pay, cancel, void, read. The payment row, not the workflow, decides how the saga ends.
//!
//! A layer may use only the layers below it: `http` (axum: parse, call, render) → `domain` (use cases, one transaction
//! each) → `store` (SQL, one file per table) and `gateway` (the payment gateway) → `model` (the states and their legal
//! transitions, no I/O).

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

/// The default of `SERVER_PORT`.
pub const PORT: u16 = 21084;

/// The migrations of the database `payments`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The migrations of the database `gateway`, which has the ledger of the simulated gateway.
pub static GATEWAY_MIGRATOR: Migrator = sqlx::migrate!("./migrations-gateway");

/// The process waits at most this long for running gateway calls before it exits.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// Runs the service until SIGTERM. Returns an error if a setting is wrong or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let config = Config::from_env(&env)?;
    let lifecycle = Lifecycle::default();
    let ledger = Database::new(config.gateway, config.service.connections);
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), config.service, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });

    let simulator = Simulator::new(ledger.pool().clone(), config.gateway_delay);
    let permits = Permits::new(config.permits, service.redis.clone());
    let gateway = Bounded::new(simulator, permits, config.gateway_limit);
    let database = service.database.clone();
    let detached = TaskTracker::new();
    let payments = Payments::new(database.pool().clone(), Arc::new(gateway), config.lease);
    let routes = http::routes(http::AppState { payments, detached: detached.clone() });
    let prepare = async move {
        database.prepare(&MIGRATOR).await;
        ledger.prepare(&GATEWAY_MIGRATOR).await;
    };
    service.serve(routes, prepare).await?;
    detached.close();
    let _ = tokio::time::timeout(FINISH_LIMIT, detached.wait()).await;
    Ok(())
}

/// Migrates the databases, and exits.
pub async fn migrate(env: Env) -> Result<(), StartError> {
    let config = Config::from_env(&env)?;
    let connections = config.service.connections;
    Database::new(config.service.datasource, connections).migrate(&MIGRATOR).await?;
    Ok(Database::new(config.gateway, connections).migrate(&GATEWAY_MIGRATOR).await?)
}
