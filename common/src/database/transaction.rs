//! Transactions that are retried as a whole.

use std::time::Duration;

use rand::RngExt;

/// The time limit of one attempt. It is longer than a lock wait (2 s).
const ATTEMPT_LIMIT: Duration = Duration::from_secs(4);
const ATTEMPTS: u32 = 8;

/// Runs the transaction of a use case, or its query, within a time limit. Retries it after a deadlock, a lock wait
/// time-out, a snapshot conflict, or a broken connection.
///
/// The transaction must be idempotent, because it is retried even when only the answer to its commit was lost.
pub async fn retrying<T, E, F, Fut>(name: &'static str, mut transaction: F) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<sqlx::Error> + HasSqlxError,
{
    let mut attempt = 1;
    loop {
        let outcome = tokio::time::timeout(ATTEMPT_LIMIT, transaction())
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()));
        let Err(error) = outcome else { return outcome };
        let Some(why) = error.sqlx_error().and_then(retry_reason) else { return Err(error) };
        metrics::counter!("db_transaction_retries_total", "transaction" => name, "reason" => why).increment(1);
        if attempt == ATTEMPTS {
            return Err(error);
        }
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

pub trait HasSqlxError {
    fn sqlx_error(&self) -> Option<&sqlx::Error>;
}

impl HasSqlxError for sqlx::Error {
    fn sqlx_error(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

/// Whether the database is unavailable or overloaded. Any other error is a bug in the program.
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
        // A time-out is not retried here: the caller's time limit has passed, too.
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => None,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Some("connection"),
        sqlx::Error::Database(error) => match error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number() {
            1213 => Some("deadlock"),
            1205 => Some("lock_wait"),
            1020 => Some("snapshot"),
            // The server is shutting down, or refuses new connections.
            1053 | 1040 | 3169 | 1927 => Some("shutdown"),
            _ => None,
        },
        _ => None,
    }
}
