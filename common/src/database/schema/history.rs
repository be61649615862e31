//! The records of the migrations, in the table that sqlx keeps.

use std::collections::HashMap;

use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::mysql::MySqlConnection;

use super::{SchemaError, error_number};

pub(super) const TABLE: &str = "_sqlx_migrations";
const NO_SUCH_TABLE: u16 = 1146;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The migration has no record, so its statement never ran.
    New,
    /// The process that ran the migration was killed, so its statement may have taken effect.
    Interrupted,
}

struct Record {
    checksum: Vec<u8>,
    success: bool,
}

/// The migrations that are not recorded as done. Records of migrations from a newer release are ignored.
pub(super) async fn unfinished<'m>(
    connection: &mut MySqlConnection,
    migrator: &'m Migrator,
) -> Result<Vec<(&'m Migration, State)>, SchemaError> {
    let records = records(connection).await?;
    let mut unfinished = Vec::new();
    for migration in migrator.iter() {
        let state = match records.get(&migration.version) {
            None => State::New,
            Some(record) if record.checksum != *migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(record) if record.success => continue,
            Some(_) => State::Interrupted,
        };
        unfinished.push((migration, state));
    }
    Ok(unfinished)
}

async fn records(connection: &mut MySqlConnection) -> Result<HashMap<i64, Record>, SchemaError> {
    let rows = sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations").fetch_all(connection).await;
    let rows: Vec<(i64, Vec<u8>, bool)> = match rows {
        Err(error) if error_number(&error) == Some(NO_SUCH_TABLE) => Vec::new(),
        rows => rows?,
    };
    Ok(rows.into_iter().map(|(version, checksum, success)| (version, Record { checksum, success })).collect())
}

pub(super) async fn finish(connection: &mut MySqlConnection, version: i64) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE _sqlx_migrations SET success = TRUE WHERE version = ?");
    update.bind(version).execute(connection).await.map(|_| ())
}

pub(super) async fn forget(connection: &mut MySqlConnection, version: i64) -> sqlx::Result<()> {
    let delete = sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ? AND success = FALSE");
    delete.bind(version).execute(connection).await.map(|_| ())
}
