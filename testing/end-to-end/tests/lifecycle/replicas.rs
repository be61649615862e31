//! Several processes of one service on one database.

use std::time::Duration;

use end_to_end::{Service, TestSystem};
use harness::process::ServiceProcess;
use harness::servers::{MariaDb, shared};
use harness::{ensure_built, unique, wait};
use sqlx::mysql::{MySqlConnection, MySqlPool};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The services with a database.
pub(crate) const SERVICES: [Service; 3] = [Service::Order, Service::Inventory, Service::Payment];

const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(30);

/// The databases of one service. They are empty at first.
pub(crate) struct ServiceDatabases {
    server: &'static MariaDb,
    service: Service,
    /// The service's own database.
    pub(crate) database: String,
    ledger: String,
    pub(crate) pool: MySqlPool,
}

impl ServiceDatabases {
    pub(crate) async fn new(service: Service) -> Self {
        ensure_built(&[service.program()]).await;
        let server = shared::database().await;
        let pool = MySqlPool::connect(&server.url()).await.expect("the server answers");
        Self { server, service, database: unique("life"), ledger: unique("ledger"), pool }
    }

    /// One more process of this service. It is not started.
    pub(crate) fn replica(&self) -> ServiceProcess {
        let process = ServiceProcess::new(self.service.program());
        [("SPRING", &self.database), ("GATEWAY", &self.ledger)].iter().fold(process, |process, (p, db)| {
            process
                .with_env(&format!("{p}_DATASOURCE_URL"), format!("jdbc:mysql://{}/{db}", self.server.address()))
                .with_env(&format!("{p}_DATASOURCE_USERNAME"), self.server.user())
                .with_env(&format!("{p}_DATASOURCE_PASSWORD"), self.server.password())
        })
    }

    /// Panics unless each migration is recorded as done exactly once, and each demo product exists exactly once.
    pub(crate) async fn assert_migrated_once(&self) {
        self.assert_recorded(&self.database, migrations_of(self.service.program(), "migrations")).await;
        if self.service == Service::Payment {
            self.assert_recorded(&self.ledger, migrations_of(self.service.program(), "migrations-gateway")).await;
        }
        if self.service == Service::Inventory {
            let stock = format!("SELECT product_id, quantity, reserved FROM `{}`.stock ORDER BY 1", self.database);
            let stock: Vec<(i64, i64, i64)> = self.rows(stock).await;
            assert_eq!(stock, [(1, 100, 0), (2, 50, 0), (3, 1000, 0)]);
            let products = format!("SELECT product_id FROM `{}`.products ORDER BY 1", self.database);
            assert_eq!(self.rows::<(i64,)>(products).await, [(1,), (2,), (3,)]);
        }
    }

    async fn assert_recorded(&self, database: &str, migrations: i64) {
        let sql = format!(
            "SELECT COUNT(*), COUNT(DISTINCT version), CAST(SUM(success) AS SIGNED) \
             FROM `{database}`._sqlx_migrations WHERE version < 1000"
        );
        let found: Vec<(i64, i64, i64)> = self.rows(sql).await;
        assert_eq!(found, [(migrations, migrations, migrations)], "{database}");
    }

    /// Takes the lock that replicas hold while they migrate. Dropping the connection releases the lock.
    pub(crate) async fn lock_migrations(&self) -> MySqlConnection {
        let mut connection = self.pool.acquire().await.expect("the pool has a connection").detach();
        let lock = sqlx::AssertSqlSafe(format!("SELECT GET_LOCK('migrate.{}', 0)", self.database));
        let locked: i64 = sqlx::query_scalar(lock).fetch_one(&mut connection).await.expect("the server answers");
        assert_eq!(locked, 1);
        connection
    }

    /// Waits until a statement in the service's database is in this state.
    pub(crate) async fn wait_for_statement_state(&self, state: &str) {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' AND state = '{state}'",
            self.database
        );
        wait::until(state, LIMIT, async || self.rows::<(i64,)>(sql.clone()).await != [(0,)]).await;
    }

    pub(crate) async fn rows<R>(&self, sql: String) -> Vec<R>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::mysql::MySqlRow> + Send + Unpin,
    {
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(sql.clone())).fetch_all(&self.pool).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) async fn execute(&self, sql: String) {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// The number of migrations in this folder of a crate.
fn migrations_of(program: &str, folder: &str) -> i64 {
    let folder = format!("{}/../../{program}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    i64::try_from(files.count()).expect("the number is small")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_start_together_on_empty_databases_migrate_once() {
    for round in 0..ROUNDS {
        let mut services = Vec::new();
        for service in SERVICES {
            let databases = ServiceDatabases::new(service).await;
            let replicas = [databases.replica(), databases.replica()];
            services.push((databases, replicas));
        }
        for process in services.iter().flat_map(|(_, replicas)| replicas) {
            process.start();
        }
        for (databases, replicas) in &services {
            for process in replicas {
                process.wait_ready().await;
                let log = process.log();
                assert!(!log.contains("retrying") && !log.contains(r#""level":"ERROR""#), "{round}: {log}");
            }
            databases.assert_migrated_once().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_starts_on_a_newer_schema_and_keeps_the_newer_migrations() {
    for service in SERVICES {
        let databases = ServiceDatabases::new(service).await;
        let newer = databases.replica();
        newer.start();
        newer.wait_ready().await;
        databases
            .execute(format!(
                "INSERT INTO `{}`._sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of the next release', TRUE, x'00', 1)",
                databases.database
            ))
            .await;
        let older = databases.replica();
        older.start();
        older.wait_ready().await;
        databases.assert_migrated_once().await;
        let newer = format!("SELECT version FROM `{}`._sqlx_migrations WHERE version > 1000", databases.database);
        assert_eq!(databases.rows::<(i64,)>(newer).await, [(9999,)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_not_ready_until_the_migration_of_another_replica_is_done() {
    let databases = ServiceDatabases::new(Service::Order).await;
    let migration = databases.lock_migrations().await;
    let process = databases.replica();
    process.start();
    databases.wait_for_statement_state("User lock").await;
    assert_eq!(process.get("/actuator/health/readiness").await.map(|(status, _)| status), Some(503));
    let early = process.get("/api/orders/by-saga/order-00000000").await.map(|(status, _)| status);
    assert_eq!(early, Some(503));
    drop(migration);
    process.wait_ready().await;
    databases.assert_migrated_once().await;
}

/// Repeats requests on one connection until the program closes it. Returns the number of answers.
async fn answers_on_one_connection(port: u16) -> usize {
    let mut connection = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.expect("the program listens"));
    for answers in 1.. {
        let request = b"GET /actuator/health/liveness HTTP/1.1\r\nHost: x\r\n\r\n";
        connection.write_all(request).await.expect("the connection is open");
        let (mut length, mut closes) = (0, false);
        for line in 0.. {
            let mut header = String::new();
            connection.read_line(&mut header).await.expect("the answer can be read");
            assert!(line > 0 || header.starts_with("HTTP/1.1 200 "), "answer {answers}: {header:?}");
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("the content length is a number");
            }
            closes |= header == "connection: close\r\n";
            if header == "\r\n" {
                break;
            }
        }
        connection.read_exact(&mut vec![0; length]).await.expect("the body is complete");
        if closes {
            assert_eq!(connection.read(&mut [0]).await.expect("the connection is closed without a reset"), 0);
            return answers;
        }
    }
    unreachable!("the program closes an old connection")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_closed_with_an_answer_that_announces_the_close() {
    let system = TestSystem::start().await;
    for service in Service::ALL {
        // On a busy machine a connection may be too old before its first answer.
        wait::until(&format!("{service:?} to answer twice on one connection"), LIMIT, async || {
            let answers = tokio::time::timeout(LIMIT, answers_on_one_connection(system.process(service).port())).await;
            answers.expect("the program closes an old connection") > 1
        })
        .await;
    }
}
