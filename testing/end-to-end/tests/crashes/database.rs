//! The databases of a system. Tests read and lock their rows to stop a payment at an exact point.

use std::time::Duration;

use end_to_end::TestSystem;
use end_to_end::steps::ORDER_LIMIT;
use harness::wait;
use sqlx::mysql::{MySql, MySqlPool};
use sqlx::{AssertSqlSafe, Transaction};
use tokio::sync::Mutex;

/// The database of service-payment and the ledger of the gateway.
pub(crate) struct Database {
    pool: MySqlPool,
    payments: String,
    gateway: String,
}

/// A locked row. Dropping this value releases the lock.
pub(crate) struct Lock {
    _transaction: Transaction<'static, MySql>,
}

impl Database {
    pub(crate) async fn of(system: &TestSystem) -> Self {
        let pool = MySqlPool::connect(&system.servers.ledgers_url).await.expect("the database answers");
        let (payments, gateway) = (system.databases.payments.clone(), system.databases.gateway.clone());
        Self { pool, payments, gateway }
    }

    /// Waits until the payment row has this status. It reads the database, so service-payment does not have to run.
    pub(crate) async fn wait_for_payment_status(&self, saga: &str, status: &str) {
        let sql = format!("SELECT status FROM `{}`.payments WHERE saga_id = '{saga}'", self.payments);
        self.wait_for(&sql, status).await;
    }

    /// Waits until the charge in the gateway's ledger has this status.
    pub(crate) async fn wait_for_charge_status(&self, saga: &str, status: &str) {
        let sql = format!("SELECT status FROM `{}`.charges WHERE charge_key = '{saga}'", self.gateway);
        self.wait_for(&sql, status).await;
    }

    /// Whether the gateway's ledger contains a charge of this saga.
    pub(crate) async fn has_charge(&self, saga: &str) -> bool {
        let sql = format!("SELECT status FROM `{}`.charges WHERE charge_key = '{saga}'", self.gateway);
        self.text(&sql).await.is_some()
    }

    async fn wait_for(&self, sql: &str, wanted: &str) {
        let found = async || self.text(sql).await.as_deref() == Some(wanted);
        wait::until(&format!("{wanted} from {sql}"), ORDER_LIMIT, found).await;
    }

    async fn text(&self, sql: &str) -> Option<String> {
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_optional(&self.pool).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Locks the row of the payment.
    pub(crate) async fn lock_payment(&self, saga: &str) -> Lock {
        self.lock(format!("SELECT 1 FROM `{}`.payments WHERE saga_id = '{saga}' FOR UPDATE", self.payments)).await
    }

    /// Locks the charge in the gateway's ledger.
    pub(crate) async fn lock_charge(&self, saga: &str) -> Lock {
        self.lock(format!("SELECT 1 FROM `{}`.charges WHERE charge_key = '{saga}' FOR UPDATE", self.gateway)).await
    }

    async fn lock(&self, sql: String) -> Lock {
        let mut transaction = self.pool.begin().await.expect("the database answers");
        let locked = sqlx::query(AssertSqlSafe(sql.clone())).fetch_all(&mut *transaction).await;
        assert_eq!(locked.unwrap_or_else(|error| panic!("{sql}: {error}")).len(), 1, "{sql}");
        Lock { _transaction: transaction }
    }

    /// The start time of the newest open transaction, by the database's clock.
    pub(crate) async fn newest_transaction_start(&self) -> String {
        let sql = "SELECT COALESCE(CAST(MAX(trx_started) AS CHAR), '2000-01-01') FROM information_schema.innodb_trx";
        self.query_transactions(sql).await
    }

    /// Whether a transaction that started after this time waits for a lock in the gateway's ledger.
    pub(crate) async fn waits_for_ledger_since(&self, time: &str) -> bool {
        let which = format!("trx_state = 'LOCK WAIT' AND db = '{}' AND trx_started > '{time}'", self.gateway);
        self.has_transaction(&which).await
    }

    /// Whether a transaction is open on either database.
    pub(crate) async fn has_open_transaction(&self) -> bool {
        self.has_transaction(&format!("db IN ('{}', '{}')", self.payments, self.gateway)).await
    }

    async fn has_transaction(&self, which: &str) -> bool {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.innodb_trx \
             JOIN information_schema.processlist ON id = trx_mysql_thread_id WHERE {which}"
        );
        self.query_transactions::<i64>(&sql).await > 0
    }

    /// Queries `innodb_trx`. The database refreshes this table only if it has not been read for 0.1 s. Without the
    /// pause and the lock, frequent reads would always see the same rows.
    async fn query_transactions<T>(&self, sql: &str) -> T
    where
        T: sqlx::Type<MySql> + for<'r> sqlx::Decode<'r, MySql> + Send + Unpin,
    {
        static ONE_READER: Mutex<()> = Mutex::const_new(());
        let _guard = ONE_READER.lock().await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
