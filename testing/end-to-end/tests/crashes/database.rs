//! The databases of a world, for tests that must know, or hold, exactly how far a payment is.

use std::time::Duration;

use end_to_end::World;
use end_to_end::steps::ORDER_LIMIT;
use harness::wait;
use sqlx::mysql::{MySql, MySqlPool};
use sqlx::{AssertSqlSafe, Transaction};
use tokio::sync::Mutex;

/// The payment service's database and the gateway's ledger.
pub(crate) struct Database {
    pool: MySqlPool,
    payments: String,
    gateway: String,
}

/// A locked row; it is free again when this is dropped.
pub(crate) struct Lock {
    _transaction: Transaction<'static, MySql>,
}

impl Database {
    pub(crate) async fn of(world: &World) -> Self {
        let pool = MySqlPool::connect(&world.servers.books).await.expect("the database answers");
        let (payments, gateway) = (world.addresses.payments.clone(), world.addresses.gateway.clone());
        Self { pool, payments, gateway }
    }

    /// Waits until the payment's row says so, whoever could be asked for it.
    pub(crate) async fn payment_is(&self, saga: &str, status: &str) {
        let sql = format!("SELECT status FROM `{}`.payments WHERE saga_id = '{saga}'", self.payments);
        self.wait_for(&sql, status).await;
    }

    /// Waits until the gateway's ledger says so.
    pub(crate) async fn charge_is(&self, saga: &str, status: &str) {
        let sql = format!("SELECT status FROM `{}`.charges WHERE charge_key = '{saga}'", self.gateway);
        self.wait_for(&sql, status).await;
    }

    /// Has the gateway heard of it?
    pub(crate) async fn has_charge(&self, saga: &str) -> bool {
        let sql = format!("SELECT status FROM `{}`.charges WHERE charge_key = '{saga}'", self.gateway);
        self.text(&sql).await.is_some()
    }

    async fn wait_for(&self, sql: &str, wanted: &str) {
        let is = async || self.text(sql).await.as_deref() == Some(wanted);
        wait::until(&format!("{wanted} from {sql}"), ORDER_LIMIT, is).await;
    }

    async fn text(&self, sql: &str) -> Option<String> {
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_optional(&self.pool).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Locks the payment's row.
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

    /// When the newest of all open transactions began, by the server's own clock.
    pub(crate) async fn last_began(&self) -> String {
        let sql = "SELECT COALESCE(CAST(MAX(trx_started) AS CHAR), '2000-01-01') FROM information_schema.innodb_trx";
        self.of_transactions(sql).await
    }

    /// Does a transaction that has begun after this wait for a lock in the gateway's ledger?
    pub(crate) async fn ledger_is_waited_for_since(&self, moment: &str) -> bool {
        let which = format!("trx_state = 'LOCK WAIT' AND db = '{}' AND trx_started > '{moment}'", self.gateway);
        self.has_transaction(&which).await
    }

    /// Is a transaction open on either database?
    pub(crate) async fn in_transaction(&self) -> bool {
        self.has_transaction(&format!("db IN ('{}', '{}')", self.payments, self.gateway)).await
    }

    async fn has_transaction(&self, which: &str) -> bool {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.innodb_trx \
             JOIN information_schema.processlist ON id = trx_mysql_thread_id WHERE {which}"
        );
        self.of_transactions::<i64>(&sql).await > 0
    }

    /// What `innodb_trx` says now. It says what it said before until nobody has looked at it for 0.1 s: who asks again and
    /// again without a pause would never hear anything new.
    async fn of_transactions<T>(&self, sql: &str) -> T
    where
        T: sqlx::Type<MySql> + for<'r> sqlx::Decode<'r, MySql> + Send + Unpin,
    {
        static LOOK: Mutex<()> = Mutex::const_new(());
        let _alone = LOOK.lock().await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
