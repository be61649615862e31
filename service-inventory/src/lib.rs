//! The service for products, their stock, and the reservations of sagas: reserve, confirm, release.
//!
//! Layers (each may use those below it): `http` (axum: parse, call, render) → `domain` (use cases, one transaction
//! each) → `store` (SQL, one file per table) → `model` (names, states and their legal transitions, no I/O).

mod domain;
mod http;
mod model;
mod store;

use std::time::Duration;

use common::config::Env;
use common::database::Database;
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::service::{Service, Settings};
use sqlx::MySqlPool;
use sqlx::migrate::Migrator;

/// The default of `SERVER_PORT`.
pub const PORT: u16 = 21083;

/// The migrations of the database `inventory`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The pause between two attempts to add the demo products.
const DEMO_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Runs the service until SIGTERM. Without the profile `prod`, it adds demo products to an empty catalogue. Returns an
/// error if a setting is wrong or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let settings = Settings::from_env(&env, PORT, "inventory")?;
    let lifecycle = Lifecycle::default();
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), settings, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });
    let database = service.database.clone();
    let routes = http::routes(database.pool().clone());
    let wants_demo_products = !env.profile("prod");
    let prepare = async move {
        database.prepare(&MIGRATOR).await;
        if wants_demo_products {
            add_demo_products(database.pool()).await;
        }
    };
    Ok(service.serve(routes, prepare).await?)
}

/// Migrates the database, and exits.
pub async fn migrate(env: Env) -> Result<(), StartError> {
    let settings = Settings::from_env(&env, PORT, "inventory")?;
    Ok(Database::new(settings.datasource, settings.connections).migrate(&MIGRATOR).await?)
}

async fn add_demo_products(pool: &MySqlPool) {
    while let Err(error) = domain::products::add_demo_products(pool).await {
        tracing::warn!(%error, "the demo products could not be added; retrying");
        tokio::time::sleep(DEMO_RETRY_PAUSE).await;
    }
}
