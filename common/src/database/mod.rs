//! MySQL or MariaDB: the connection pool, the schema, and transactions with retries.

mod schema;
mod transaction;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{Connection, Executor};

pub use schema::SchemaError;
pub use transaction::{HasSqlxError, is_unavailable, retrying};

use crate::config::Datasource;
use crate::health::Component;

/// A statement waits this many seconds for a row lock. After that, its transaction is retried.
const LOCK_WAIT_SECONDS: u32 = 2;
/// The server closes a connection after this many seconds without a statement (`wait_timeout`). With the default of
/// eight hours, a client that disappeared would keep the row locks of its open transaction for that long.
const SESSION_IDLE_SECONDS: u32 = 20;
/// The pool closes an idle connection after this time, before the server does. The pool checks at the same interval,
/// so a connection can be idle for twice as long.
const IDLE_LIMIT: Duration = Duration::from_secs(8);
/// A connection that was idle for longer than this is pinged before it is used.
const PING_AFTER: Duration = Duration::from_secs(5);
const PING_LIMIT: Duration = Duration::from_secs(1);
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);
/// A connection that returns to the pool is closed if its ROLLBACK takes longer than this.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Database {
    source: Datasource,
    pool: MySqlPool,
    /// Health checks use a separate connection, so that a busy pool is not reported as an unavailable database.
    probe: MySqlPool,
}

impl Database {
    /// A database whose connections are opened on first use. The pool holds at most `max_connections`.
    #[must_use]
    pub fn new(source: Datasource, max_connections: u32) -> Self {
        let pool = options(max_connections).connect_lazy_with(source.connect_options(true));
        let probe = options(1).connect_lazy_with(source.connect_options(true));
        Self { source, pool, probe }
    }

    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// Creates the database if it does not exist, and runs its migrations. Retries until both succeed.
    pub async fn prepare(&self, migrator: &Migrator) {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = schema::prepare(&self.source, migrator).await {
            tracing::warn!(database = self.source.database, %error, "the database is not ready; retrying");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    #[must_use]
    pub fn component(&self) -> Component {
        let probe = self.probe.clone();
        Component::new("db", move || {
            let probe = probe.clone();
            async move {
                let mut connection = probe.acquire().await?;
                Ok(connection.ping().await?)
            }
        })
    }

    pub fn record_pool_metrics(&self) {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let size = self.pool.size();
        metrics::gauge!("db_pool_connections", "database" => self.source.database.clone(), "state" => "idle").set(idle);
        metrics::gauge!("db_pool_connections", "database" => self.source.database.clone(), "state" => "used")
            .set(size.saturating_sub(idle));
    }
}

fn options(max_connections: u32) -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_LIMIT)
        .max_lifetime(Duration::from_secs(10 * 60))
        .idle_timeout(IDLE_LIMIT)
        // A ping before every use would cost a round trip, and `retrying` replaces a broken connection anyway.
        .test_before_acquire(false)
        // After an outage, more idle connections may be broken than `retrying` has attempts. So it pings idle ones.
        .before_acquire(|connection, meta| Box::pin(ping_if_idle(connection, meta.idle_for)))
        .after_connect(|connection, _| Box::pin(prepare_session(connection)))
        .after_release(|connection, _| Box::pin(roll_back(connection)))
}

async fn ping_if_idle(connection: &mut MySqlConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle < PING_AFTER {
        return Ok(true);
    }
    succeeds(PING_LIMIT, connection.ping()).await
}

async fn prepare_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    let limits = format!(
        "SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, SESSION wait_timeout = {SESSION_IDLE_SECONDS}"
    );
    connection.execute(sqlx::AssertSqlSafe(limits)).await?;
    Ok(())
}

/// A call that is dropped while its BEGIN runs leaves a transaction open, and sqlx does not know about it. Later
/// statements would join that transaction, and its locks would stay.
///
/// Without the time limit, a connection whose packets the network drops would keep its place in the pool for minutes.
async fn roll_back(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    succeeds(RELEASE_LIMIT, connection.execute("ROLLBACK")).await
}

/// Returns `true`, or the error. A time-out is an error, too.
async fn succeeds<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map(|_| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
