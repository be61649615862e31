//! MySQL or MariaDB: the pool, the start (create, migrate), and transactions that are tried again.

mod schema;
mod transaction;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{Connection, Executor};

pub use transaction::{AsDatabaseError, is_unavailable, retrying};

use crate::config::Datasource;
use crate::contract::Code;
use crate::http::{ApiError, Component};

/// A statement waits this long for a row lock, in seconds; then its transaction is tried again.
const LOCK_WAIT_SECONDS: u32 = 2;
/// The server closes a connection that has been silent for this long, in seconds. A client that has vanished without a
/// word would otherwise keep the row locks of its open transaction for the server's usual eight hours.
const SILENCE_SECONDS: u32 = 20;
/// An unused connection is closed before the server does so; the pool looks as often, so it may be twice as old.
const IDLE_LIMIT: Duration = Duration::from_secs(8);
/// A connection that has been unused for this long is asked whether it is still there before it is used.
const SUSPICIOUS: Duration = Duration::from_secs(5);
/// How long it has to answer that.
const ALIVE_LIMIT: Duration = Duration::from_secs(1);
/// A request waits this long for a free connection.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);
/// A connection that does not answer this fast when it comes back to the pool is thrown away.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// One database of ours.
#[derive(Clone)]
pub struct Database {
    source: Datasource,
    pool: MySqlPool,
    /// Health has a connection of its own, so that a busy pool does not look like a database that is gone.
    probe: MySqlPool,
}

impl Database {
    /// Connects when first used.
    #[must_use]
    pub fn new(source: Datasource, max_connections: u32) -> Self {
        let pool = options(max_connections).connect_lazy_with(source.connect_options(true));
        let probe = options(1).connect_lazy_with(source.connect_options(true));
        Self { source, pool, probe }
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// Creates the database if it is absent and brings its schema up to date; tries until it has worked.
    pub async fn prepare(&self, migrator: &Migrator) {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = schema::prepare(&self.source, migrator).await {
            tracing::warn!(database = self.source.database, %error, "the database is not ready; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// For `/actuator/health`.
    #[must_use]
    pub fn component(&self) -> Component {
        let probe = self.probe.clone();
        Component::new("db", move || {
            let probe = probe.clone();
            async move {
                let mut connection = probe.acquire().await.map_err(|e| e.to_string())?;
                connection.ping().await.map_err(|e| e.to_string())
            }
        })
    }

    /// Sets the pool's gauges.
    pub fn measure(&self) {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let size = self.pool.size();
        metrics::gauge!("db_pool_connections", "database" => self.source.database.clone(), "state" => "idle").set(idle);
        metrics::gauge!("db_pool_connections", "database" => self.source.database.clone(), "state" => "used")
            .set(size.saturating_sub(idle));
    }
}

/// A database error as an answer: 503 where the database is away or overloaded, 500 where the fault is ours.
#[must_use]
pub fn answer(error: sqlx::Error) -> ApiError {
    if is_unavailable(&error) {
        ApiError::fault(Code::DATABASE_UNAVAILABLE, "the database did not answer; try again", error).retry_after(1)
    } else {
        ApiError::fault(Code::INTERNAL, "a fault of ours; the log says more", error)
    }
}

fn options(max_connections: u32) -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_LIMIT)
        .max_lifetime(Duration::from_secs(10 * 60))
        .idle_timeout(IDLE_LIMIT)
        // A broken connection shows in its first statement, and `retrying` takes another one: no ping before each use.
        .test_before_acquire(false)
        // But after an outage all of a pool's connections are broken, more than it tries.
        .before_acquire(|connection, meta| Box::pin(is_alive(connection, meta.idle_for)))
        .after_connect(|connection, _| Box::pin(prepare_session(connection)))
        .after_release(|connection, _| Box::pin(is_clean(connection)))
}

/// Asks a connection that has been unused for long whether it is still there.
async fn is_alive(connection: &mut MySqlConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle < SUSPICIOUS {
        return Ok(true);
    }
    answers(ALIVE_LIMIT, connection.ping()).await
}

async fn prepare_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    let limits =
        format!("SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, SESSION wait_timeout = {SILENCE_SECONDS}");
    connection.execute(sqlx::AssertSqlSafe(limits)).await?;
    Ok(())
}

/// A call that was dropped while its BEGIN ran leaves a transaction open that sqlx does not know of; a later statement
/// on its own would then be part of it, and keep its locks.
///
/// Without a limit a connection into a network that swallows packets would hold its place in the pool for minutes.
async fn is_clean(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    answers(RELEASE_LIMIT, connection.execute("ROLLBACK")).await
}

/// `true`, or the error, or that there was no answer in time.
async fn answers<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map(|_| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
