//! SQL, one file per table. Each function takes a connection, so the caller controls the transaction.

pub(crate) mod deliveries;
pub(crate) mod products;
pub(crate) mod reservations;
pub(crate) mod stock;

use sqlx::mysql::MySqlQueryResult;

/// Checks that an UPDATE found its row. The driver counts the rows that matched, even if their values did not change.
fn expect_one_row(result: &MySqlQueryResult) -> sqlx::Result<()> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Whether an INSERT created the row. Returns `false` if a row with this key already exists.
fn was_inserted(result: sqlx::Result<MySqlQueryResult>) -> sqlx::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}
