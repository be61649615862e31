//! The service for orders: create, confirm, cancel, read.
//!
//! Layers (each may use those below it): `http` (axum: parse, call, render) → `domain` (use cases, one transaction
//! each) → `store` (SQL, one file per table) → `model` (states and their legal transitions, no I/O).

mod domain;
mod http;
mod model;
mod store;

use common::config::Env;
use common::database::Database;
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::service::{Service, Settings};
use sqlx::migrate::Migrator;

/// The default of `SERVER_PORT`.
pub const PORT: u16 = 21082;

/// The migrations of the database `orders`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Runs the service until SIGTERM. Returns an error if a setting is wrong or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let settings = Settings::from_env(&env, PORT, "orders")?;
    let lifecycle = Lifecycle::default();
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), settings, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });
    let database = service.database.clone();
    let routes = http::routes(database.pool().clone());
    Ok(service.serve(routes, async move { database.prepare(&MIGRATOR).await }).await?)
}

/// Migrates the database, and exits.
pub async fn migrate(env: Env) -> Result<(), StartError> {
    let settings = Settings::from_env(&env, PORT, "orders")?;
    Ok(Database::new(settings.datasource, settings.connections).migrate(&MIGRATOR).await?)
}
