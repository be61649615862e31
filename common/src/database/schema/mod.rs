//! Creates a database and brings its schema up to date. Several replicas may do this at the same time, and each of them
//! may be killed at any moment.
//!
//! sqlx inserts a record with `success = FALSE`, runs the statement of the migration, and sets `success = TRUE`. MySQL
//! and MariaDB commit a schema change immediately, and this record with it. So a killed process can leave an unfinished
//! record, which does not say whether the statement took effect. Each statement is atomic and makes one change, so
//! the schema itself shows whether the statement took effect (`change`).

mod change;
mod history;

use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, Connection, Executor};

use self::change::Change;
use self::history::State;
use super::{Database, SESSION_IDLE_SECONDS, is_unavailable};
use crate::config::Datasource;

const LOCK_SECONDS: u32 = 30;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const UNKNOWN_DATABASE: u16 = 1049;

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Migration(#[from] MigrateError),
    #[error("no answer within {} s", CONNECT_LIMIT.as_secs())]
    NoAnswer,
    #[error("another replica has been migrating for {LOCK_SECONDS} s")]
    Locked,
    #[error("migration {0} has a form that is not known to be safe after a kill (CONTRIBUTING.md, Add a migration)")]
    UnknownForm(i64),
    #[error("migration {version} never began, but {change}: another program changed the schema")]
    Conflict { version: i64, change: String },
}

impl SchemaError {
    fn is_temporary(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                is_unavailable(error)
            }
            Self::NoAnswer | Self::Locked => true,
            Self::Migration(_) | Self::UnknownForm(_) | Self::Conflict { .. } => false,
        }
    }
}

impl Database {
    /// Creates the database if it does not exist, and runs its migrations. Waits while the server is unavailable or
    /// another process migrates.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), SchemaError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match prepare(&self.source, migrator).await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!(database = self.source.database, %error, "cannot migrate now; retrying");
                }
                result => return result,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

pub(super) async fn prepare(source: &Datasource, migrator: &Migrator) -> Result<(), SchemaError> {
    let mut connection = open(source).await?;
    let result = update(&mut connection, &source.database, migrator).await;
    let closed = connection.close().await;
    result.and(closed.map_err(SchemaError::from))
}

/// `CREATE DATABASE IF NOT EXISTS` waits for every `ALTER TABLE` that runs in the database, so it runs only if
/// the database does not exist.
async fn open(source: &Datasource) -> Result<MySqlConnection, SchemaError> {
    match connect(source, true).await {
        Err(SchemaError::Database(error)) if error_number(&error) == Some(UNKNOWN_DATABASE) => {}
        result => return result,
    }
    let mut server = connect(source, false).await?;
    let create = format!("CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4", source.database);
    server.execute(AssertSqlSafe(create)).await?;
    server.close().await?;
    connect(source, true).await
}

async fn connect(source: &Datasource, database: bool) -> Result<MySqlConnection, SchemaError> {
    let options = source.connect_options(database);
    let connected = async {
        let mut connection = MySqlConnection::connect_with(&options).await?;
        // A replica that disappeared must not keep its lock.
        connection.execute(AssertSqlSafe(format!("SET SESSION wait_timeout = {SESSION_IDLE_SECONDS}"))).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT_LIMIT, connected).await.unwrap_or(Err(SchemaError::NoAnswer))
}

async fn update(connection: &mut MySqlConnection, database: &str, migrator: &Migrator) -> Result<(), SchemaError> {
    // This check takes no lock: while a new release migrates for minutes, a replica of the previous release can start.
    if history::unfinished(connection, migrator).await?.is_empty() {
        return Ok(());
    }
    lock(connection, database).await?;
    connection.ensure_migrations_table(history::TABLE).await?;
    for (migration, state) in history::unfinished(connection, migrator).await? {
        run(connection, migration, state).await?;
    }
    Ok(())
}

/// The lock belongs to the connection. If this process is killed, the server releases the lock after the statement that
/// is still running on the connection.
async fn lock(connection: &mut MySqlConnection, database: &str) -> Result<(), SchemaError> {
    let name = format!("migrate.{database}");
    let name = name.get(..64).unwrap_or(&name);
    let got: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(?, ?)").bind(name).bind(LOCK_SECONDS).fetch_one(connection).await?;
    if got == Some(1) { Ok(()) } else { Err(SchemaError::Locked) }
}

async fn run(connection: &mut MySqlConnection, migration: &Migration, state: State) -> Result<(), SchemaError> {
    let version = migration.version;
    let change = Change::of(migration.sql.as_str()).ok_or(SchemaError::UnknownForm(version))?;
    match (state, change.is_done(connection).await?) {
        (State::New, true) => return Err(SchemaError::Conflict { version, change: change.to_string() }),
        (State::New, false) => {}
        (State::Interrupted, true) => {
            tracing::warn!(version, "a migration was interrupted after its statement took effect; recording it");
            return Ok(history::finish(connection, version).await?);
        }
        (State::Interrupted, false) => {
            tracing::warn!(version, "a migration was interrupted; running it again");
            history::forget(connection, version).await?;
        }
    }
    apply(connection, migration).await
}

/// A refused statement has changed nothing. Its record is deleted, because it would look like an interrupted run.
async fn apply(connection: &mut MySqlConnection, migration: &Migration) -> Result<(), SchemaError> {
    tracing::info!(version = migration.version, description = %migration.description, "migrating");
    let Err(error) = connection.apply(history::TABLE, migration).await else { return Ok(()) };
    let refused = matches!(&error, MigrateError::ExecuteMigration(sqlx::Error::Database(_), _));
    let error = SchemaError::from(error);
    if refused && !error.is_temporary() {
        history::forget(connection, migration.version).await?;
    }
    Err(error)
}

fn error_number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}
