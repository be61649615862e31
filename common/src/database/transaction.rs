//! Transactions that are tried again as a whole.

use std::time::Duration;

use rand::RngExt;

/// One attempt may take this long; a lock wait (2 s) fits in.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(4);
/// How often a transaction is tried in all.
const ATTEMPTS: u32 = 8;

/// Runs a use case's one transaction, or its read, within a time limit, and again if the database asks for it: a deadlock, a lock wait that took too long,
/// a snapshot conflict, or a connection that was broken when it was taken from the pool. Each of ours may be run again
/// even if its commit's answer was lost, since all are idempotent by state.
///
/// # Errors
/// The transaction's own error; the last one if all attempts failed.
pub async fn retrying<T, E, F, Fut>(name: &'static str, mut transaction: F) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<sqlx::Error> + AsDatabaseError,
{
    let mut attempt = 1;
    loop {
        let outcome = tokio::time::timeout(ATTEMPT_LIMIT, transaction())
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()));
        let Err(error) = outcome else { return outcome };
        let Some(why) = error.as_database_error().and_then(retry_reason) else { return Err(error) };
        metrics::counter!("db_transaction_retries_total", "transaction" => name, "reason" => why).increment(1);
        if attempt == ATTEMPTS {
            return Err(error);
        }
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

/// An error that may hold a database error.
pub trait AsDatabaseError {
    /// The database error, if it is one.
    fn as_database_error(&self) -> Option<&sqlx::Error>;
}

impl AsDatabaseError for sqlx::Error {
    fn as_database_error(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

/// Is this the database being away or overloaded, rather than a fault of ours?
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    retry_reason(error).is_some()
        || matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_)
        )
}

fn pause(attempt: u32) -> Duration {
    let ceiling = 5 * 2_u64.pow(attempt.min(6));
    Duration::from_millis(rand::rng().random_range(1..=ceiling))
}

fn retry_reason(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        // A time-out is not tried again here: the caller's time is up too.
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => None,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Some("connection"),
        sqlx::Error::Database(error) => match error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number() {
            1213 => Some("deadlock"),
            1205 => Some("lock_wait"),
            1020 => Some("snapshot"),
            // The server goes down, or refuses new connections while it does.
            1053 | 1040 | 3169 | 1927 => Some("shutdown"),
            _ => None,
        },
        _ => None,
    }
}
