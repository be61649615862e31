//! Products, their stock, and the reservations of sagas: reserve, confirm, release.
//!
//! Floors, each of which may use those below it: `http` (axum: parse, call, render) → `domain` (use cases, one
//! transaction each) → `store` (SQL, one file a table) → `model` (names, states and their legal transitions, no I/O).

mod domain;
mod http;
mod model;
mod store;

use std::time::Duration;

use common::config::Env;
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::service::{Service, Settings};
use sqlx::MySqlPool;
use sqlx::migrate::Migrator;

/// The port unless `SERVER_PORT` says otherwise.
pub const PORT: u16 = 21083;

/// The schema of the database `inventory`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Until the demo products are tried again, where the database is not there.
const DEMO_PAUSE: Duration = Duration::from_secs(1);

/// Runs the service until SIGTERM. Outside the profile `prod` an empty catalogue gets demo products.
///
/// # Errors
/// A setting is wrong, or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let settings = Settings::from_env(&env, PORT, "inventory")?;
    let lifecycle = Lifecycle::default();
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), settings, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });
    let database = service.database.clone();
    let routes = http::routes(database.pool().clone());
    let demo = !env.profile("prod");
    let prepare = async move {
        database.prepare(&MIGRATOR).await;
        if demo {
            fill_empty_catalogue(database.pool()).await;
        }
    };
    Ok(service.serve(routes, prepare).await?)
}

async fn fill_empty_catalogue(pool: &MySqlPool) {
    while let Err(error) = domain::products::fill_empty_catalogue(pool).await {
        tracing::warn!(%error, "no demo products yet; trying again");
        tokio::time::sleep(DEMO_PAUSE).await;
    }
}
