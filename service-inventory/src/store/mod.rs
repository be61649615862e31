//! SQL, one file a table. Functions take a connection, so the caller owns the transaction.

pub(crate) mod deliveries;
pub(crate) mod products;
pub(crate) mod reservations;
pub(crate) mod stock;

use sqlx::mysql::MySqlQueryResult;

/// An UPDATE of a row that must be there; the driver counts the rows that it found, also where nothing changed.
fn hit(result: &MySqlQueryResult) -> sqlx::Result<()> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Did this INSERT make the row? `false` where its key was taken.
fn made(result: sqlx::Result<MySqlQueryResult>) -> sqlx::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}
