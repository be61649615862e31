//! The database that all sequences of a test run on.

use common::config::{Datasource, Env};
use common::database::Database;
use sqlx::MySqlPool;
use sqlx::migrate::Migrator;

/// As many connections as a service has.
const CONNECTIONS: u32 = 16;

/// A pool on a fresh database with this schema, set up as the services do it. Sequences keep out of each other's way
/// by sagas of their own.
///
/// # Panics
/// The address is wrong.
pub async fn database(name: &str, migrator: &Migrator) -> MySqlPool {
    let server = harness::servers::shared::database().await;
    let url = format!("jdbc:{}", server.url_of(&harness::unique(name)));
    let env = Env::of([("SPRING_DATASOURCE_URL", url)]);
    let source = Datasource::from_env(&env, "SPRING_DATASOURCE", name).expect("a right address");
    let database = Database::new(source, CONNECTIONS);
    database.prepare(migrator).await;
    database.pool().clone()
}
