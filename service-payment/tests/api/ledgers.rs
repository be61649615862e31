//! The payment rows and the gateway's ledger, read directly from the databases.

use std::time::Duration;

use common::ids::SagaId;
use harness::wait;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

const LIMIT: Duration = Duration::from_secs(30);

/// The two databases of one test.
#[derive(Clone)]
pub(crate) struct Ledgers {
    pub(crate) payments: String,
    pub(crate) gateway: String,
    pool: MySqlPool,
}

/// A charge in the gateway's ledger, with the number of `approve` and `cancel` calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) status: String,
    pub(crate) approve_calls: i32,
    pub(crate) cancel_calls: i32,
}

impl Charge {
    pub(crate) fn of(status: &str, approve_calls: i32, cancel_calls: i32) -> Option<Self> {
        Some(Self { status: status.to_owned(), approve_calls, cancel_calls })
    }
}

impl Ledgers {
    /// The names of two new databases. The service creates them when it starts.
    pub(crate) async fn fresh() -> Self {
        let pool = MySqlPoolOptions::new().max_connections(2);
        let pool = pool.connect(&harness::servers::shared::database().await.url()).await.expect("the database answers");
        Self { payments: harness::unique("payments"), gateway: harness::unique("gateway"), pool }
    }

    /// The status of the payment row.
    pub(crate) async fn status(&self, saga: &SagaId) -> Option<String> {
        let row = self.one(format!("SELECT status FROM {}.payments WHERE saga_id = ?", self.payments), saga).await;
        row.map(|row| row.get("status"))
    }

    /// The gateway's charge.
    pub(crate) async fn charge(&self, saga: &SagaId) -> Option<Charge> {
        let columns = "status, approve_calls, cancel_calls";
        let row = self.one(format!("SELECT {columns} FROM {}.charges WHERE charge_key = ?", self.gateway), saga).await;
        row.map(|row| Charge {
            status: row.get("status"),
            approve_calls: row.get("approve_calls"),
            cancel_calls: row.get("cancel_calls"),
        })
    }

    /// When the gateway created the charge, in microseconds since 1970.
    pub(crate) async fn charged_at(&self, saga: &SagaId) -> i64 {
        let sql = format!(
            "SELECT CAST(UNIX_TIMESTAMP(created_at) * 1000000 AS SIGNED) AS t FROM {}.charges WHERE charge_key = ?",
            self.gateway
        );
        self.one(sql, saga).await.expect("the charge is there").get("t")
    }

    /// The status of the row, and the gateway's charge.
    pub(crate) async fn both(&self, saga: &SagaId) -> (String, Option<Charge>) {
        (self.status(saga).await.expect("the saga has a payment"), self.charge(saga).await)
    }

    /// Whether the lease on the row has expired.
    pub(crate) async fn lease_has_expired(&self, saga: &SagaId) -> bool {
        let sql =
            format!("SELECT lease_until <= NOW(6) AS has_expired FROM {}.payments WHERE saga_id = ?", self.payments);
        self.one(sql, saga).await.is_some_and(|row| row.get::<i64, _>("has_expired") == 1)
    }

    /// Waits until the lease on the row has expired.
    #[track_caller]
    pub(crate) fn wait_for_lease_end(&self, saga: &SagaId) -> impl Future<Output = ()> {
        wait::until("the lease to expire", LIMIT, async || self.lease_has_expired(saga).await)
    }

    /// Lets the lease on the row expire now.
    pub(crate) async fn end_lease(&self, saga: &SagaId) {
        let sql = format!("UPDATE {}.payments SET lease_until = NOW(6) WHERE saga_id = ?", self.payments);
        let ended = sqlx::query(AssertSqlSafe(sql)).bind(saga).execute(&self.pool).await.expect("an update");
        assert_eq!(ended.rows_affected(), 1);
    }

    /// Makes the gateway answer calls about this charge from now on.
    pub(crate) async fn end_outage(&self, saga: &SagaId) {
        let sql = format!("UPDATE {}.charges SET available_at = NOW(6) WHERE charge_key = ?", self.gateway);
        let ended = sqlx::query(AssertSqlSafe(sql)).bind(saga).execute(&self.pool).await.expect("an update");
        assert_eq!(ended.rows_affected(), 1);
    }

    /// Waits until the row has this status.
    #[track_caller]
    pub(crate) fn wait_for_status(&self, saga: &SagaId, status: &str) -> impl Future<Output = ()> {
        wait::until(status, LIMIT, async move || self.status(saga).await.as_deref() == Some(status))
    }

    /// Waits until the gateway has received an `approve` for this saga.
    #[track_caller]
    pub(crate) fn wait_for_charge(&self, saga: &SagaId) -> impl Future<Output = ()> {
        wait::until("a charge at the gateway", LIMIT, async || {
            self.charge(saga).await.is_some_and(|charge| charge.approve_calls > 0)
        })
    }

    /// The largest number of charges that the gateway processed at the same time.
    pub(crate) async fn max_concurrent_charges(&self) -> i64 {
        let sql = format!(
            "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM {0}.charges a JOIN {0}.charges b
             ON b.created_at <= a.created_at AND b.effective_at > a.created_at GROUP BY a.charge_key) counts",
            self.gateway
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await.expect("a number")
    }

    async fn one(&self, sql: String, saga: &SagaId) -> Option<MySqlRow> {
        sqlx::query(AssertSqlSafe(sql)).bind(saga).fetch_optional(&self.pool).await.expect("a query")
    }
}
