//! A service for the tests; it has no routes. Its migrations are the files in the folder that `MIGRATIONS` names.

use std::path::PathBuf;
use std::process::ExitCode;

use common::config::Env;
use common::database::Database;
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::service::{Service, Settings};
use sqlx::migrate::Migrator;
use utoipa_axum::router::OpenApiRouter;

const PORT: u16 = 21089;

fn main() -> ExitCode {
    common::process::main_with_database(PORT, run, migrate)
}

async fn run(env: Env) -> Result<(), StartError> {
    let (settings, migrator) = read(&env).await?;
    let lifecycle = Lifecycle::default();
    let service = Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), settings, lifecycle.clone())?;
    tokio::spawn(async move { lifecycle.follow_signals().await });
    let database = service.database.clone();
    Ok(service.serve(OpenApiRouter::new(), async move { database.prepare(&migrator).await }).await?)
}

async fn migrate(env: Env) -> Result<(), StartError> {
    let (settings, migrator) = read(&env).await?;
    Ok(Database::new(settings.datasource, settings.connections).migrate(&migrator).await?)
}

async fn read(env: &Env) -> Result<(Settings, Migrator), StartError> {
    let settings = Settings::from_env(env, PORT, "things")?;
    let folder = PathBuf::from(env.text("MIGRATIONS").expect("MIGRATIONS names a folder"));
    let migrator = Migrator::new(folder).await.expect("the folder has migrations");
    Ok((settings, migrator))
}
