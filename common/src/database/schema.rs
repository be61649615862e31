//! Creating and migrating a database, with several replicas at it at once, and after a kill in the middle.

use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::SILENCE_SECONDS;
use crate::config::Datasource;

/// How long one replica waits for another one that migrates, in seconds.
const LOCK_SECONDS: u32 = 30;
/// A server that does not answer at all is given up after this.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Why the database could not be prepared.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Migration(#[from] MigrateError),
    #[error("no answer within {} s", CONNECT_LIMIT.as_secs())]
    NoAnswer,
    #[error("another replica has been migrating for {LOCK_SECONDS} s")]
    Locked,
}

pub(super) async fn prepare(source: &Datasource, migrator: &Migrator) -> Result<(), SchemaError> {
    let mut server = connect(source, false).await?;
    let create = format!("CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4", source.database);
    server.execute(AssertSqlSafe(create)).await?;
    server.close().await?;
    let mut database = connect(source, true).await?;
    // The lock belongs to the connection: a killed replica's lock goes with it.
    lock(&mut database, &source.database).await?;
    let result = migrate(&mut database, migrator).await;
    database.close().await?;
    result
}

async fn connect(source: &Datasource, database: bool) -> Result<MySqlConnection, SchemaError> {
    let options = source.connect_options(database);
    let connected = async {
        let mut connection = MySqlConnection::connect_with(&options).await?;
        // A replica that vanished must not keep its lock.
        connection.execute(AssertSqlSafe(format!("SET SESSION wait_timeout = {SILENCE_SECONDS}"))).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT_LIMIT, connected).await.unwrap_or(Err(SchemaError::NoAnswer))
}

async fn lock(connection: &mut MySqlConnection, database: &str) -> Result<(), SchemaError> {
    let name = format!("migrate.{database}");
    let name = name.get(..64).unwrap_or(&name);
    let got: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(?, ?)").bind(name).bind(LOCK_SECONDS).fetch_one(connection).await?;
    if got == Some(1) { Ok(()) } else { Err(SchemaError::Locked) }
}

/// DDL commits by itself, so a kill between a migration and its record leaves it marked as unfinished. Each of our
/// migrations is one statement that can be run again, so the mark is taken away and the migration runs again.
async fn migrate(connection: &mut MySqlConnection, migrator: &Migrator) -> Result<(), SchemaError> {
    connection.ensure_migrations_table("_sqlx_migrations").await?;
    let unfinished = connection.execute("DELETE FROM _sqlx_migrations WHERE success = FALSE").await?.rows_affected();
    if unfinished > 0 {
        tracing::warn!(unfinished, "a migration had been interrupted; running it again");
    }
    let migrator = Migrator {
        migrations: migrator.migrations.clone(),
        // The newer release's migrations are none of our business: they only expand.
        ignore_missing: true,
        // We hold a lock of our own: sqlx waits for its lock without a limit, which MariaDB does not know.
        locking: false,
        ..Migrator::DEFAULT
    };
    migrator.run_direct(None, connection, false).await?;
    Ok(())
}
