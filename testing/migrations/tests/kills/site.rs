//! A database and a folder of migrations, and the processes that migrate the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::process::ServiceProcess;
use harness::servers::{MariaDb, shared};
use harness::{unique, wait};
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx::{AssertSqlSafe, FromRow, raw_sql};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The tables that the migrations of the tests change.
pub(crate) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS kinds (id INT NOT NULL PRIMARY KEY) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS things (
        id INT NOT NULL PRIMARY KEY, kind INT NULL, n INT NOT NULL, spare INT NULL,
        INDEX by_n (n), CONSTRAINT positive CHECK (n > 0)
    ) ENGINE = InnoDB",
    "INSERT INTO things (id, n) VALUES (1, 1), (2, 2), (3, 3)",
];

/// A database and a folder of migrations. The folder is removed on drop.
pub(crate) struct Site<'s> {
    server: &'s MariaDb,
    pub(crate) database: String,
    folder: PathBuf,
    pub(crate) pool: MySqlPool,
}

/// Everything that migrations leave behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    tables: Vec<(String, String)>,
    things: Vec<String>,
    records: Vec<(i64, bool, Vec<u8>)>,
}

impl Site<'static> {
    /// A database with [`TABLES`], on the server that all tests share.
    pub(crate) async fn with_tables() -> Self {
        let site = Self::on(shared::database().await).await;
        site.migrate_all(&TABLES).await;
        site
    }
}

impl<'s> Site<'s> {
    pub(crate) async fn on(server: &'s MariaDb) -> Self {
        let database = unique("things");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&database);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        let pool = MySqlPoolOptions::new().connect(&server.url()).await.expect("the server is ready");
        Self { server, database, folder, pool }
    }

    /// Adds a migration with the next number.
    pub(crate) fn add(&self, sql: &str) {
        fs::write(self.folder.join(format!("{:04}_next.sql", self.count() + 1)), sql).expect("a file");
    }

    /// Replaces the newest migration.
    pub(crate) fn edit_last(&self, sql: &str) {
        fs::write(self.folder.join(format!("{:04}_next.sql", self.count())), sql).expect("a file");
    }

    /// The number of migrations in the folder.
    pub(crate) fn count(&self) -> usize {
        fs::read_dir(&self.folder).expect("the folder").count()
    }

    /// The same database with the first migrations only: the previous release.
    pub(crate) fn previous_release(&self, migrations: usize) -> Self {
        let folder = self.folder.with_extension(unique("previous"));
        fs::create_dir_all(&folder).expect("the target folder can be written");
        for number in 1..=migrations {
            let name = format!("{number:04}_next.sql");
            fs::copy(self.folder.join(&name), folder.join(&name)).expect("a copy");
        }
        Self { server: self.server, database: self.database.clone(), folder, pool: self.pool.clone() }
    }

    pub(crate) async fn migrate_all(&self, migrations: &[&str]) {
        for sql in migrations {
            self.add(sql);
        }
        assert_eq!(self.migrate().await, 0);
    }

    /// Runs `<binary> migrate` to its end, and returns its exit code.
    pub(crate) async fn migrate(&self) -> i32 {
        let process = self.migrating();
        process.start();
        process.wait_exit(LIMIT).await
    }

    /// A process of `<binary> migrate`, not started yet.
    pub(crate) fn migrating(&self) -> ServiceProcess {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/migrate.sh");
        let process = ServiceProcess::of_program(Path::new(script));
        self.with_settings(process.with_env("PROGRAM", env!("CARGO_BIN_EXE_migrations")))
    }

    /// A replica, not started yet.
    pub(crate) fn replica(&self) -> ServiceProcess {
        self.with_settings(ServiceProcess::of_program(Path::new(env!("CARGO_BIN_EXE_migrations"))))
    }

    fn with_settings(&self, process: ServiceProcess) -> ServiceProcess {
        process
            .with_env("MIGRATIONS", self.folder.display())
            .with_env("SPRING_DATASOURCE_URL", format!("jdbc:mysql://{}/{}", self.server.address(), self.database))
            .with_env("SPRING_DATASOURCE_USERNAME", self.server.user())
            .with_env("SPRING_DATASOURCE_PASSWORD", self.server.password())
    }

    /// Makes every statement on `things` wait until the connection is dropped.
    pub(crate) async fn hold_things(&self) -> MySqlConnection {
        self.hold(&format!("LOCK TABLES `{}`.things WRITE", self.database)).await
    }

    /// Runs a statement on a new connection, and returns the connection.
    pub(crate) async fn hold(&self, sql: &str) -> MySqlConnection {
        let mut connection = self.pool.acquire().await.expect("a connection").detach();
        raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        connection
    }

    /// Waits until a statement is blocked by [`hold_things`](Self::hold_things).
    pub(crate) async fn is_blocked(&self) {
        self.connections_are("state = 'Waiting for table metadata lock'", 1).await;
    }

    /// Waits until this many statements wait in `GET_LOCK`.
    pub(crate) async fn waits_for_named_lock(&self, count: usize) {
        self.connections_are("state = 'User lock'", count).await;
    }

    /// Waits until the server has ended everything that killed processes left running.
    pub(crate) async fn is_quiet(&self) {
        self.connections_are("TRUE", 0).await;
    }

    async fn connections_are(&self, condition: &str, count: usize) {
        let what = format!("{count} connections with {condition}");
        wait::until(&what, LIMIT, async || self.connections(condition).await.is_some_and(|ids| ids.len() == count))
            .await;
    }

    /// The ids of the connections to the database. `None` if a statement contains a checksum, which MySQL cannot list.
    async fn connections(&self, condition: &str) -> Option<Vec<String>> {
        let sql = format!(
            "SELECT CONCAT(id) FROM information_schema.processlist WHERE db = '{}' AND {condition}",
            self.database
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool).await.ok()
    }

    /// Ends the connections of killed processes, and with them the statements that wait.
    pub(crate) async fn end_connections(&self) {
        let ids = wait::until_some("the list of connections", LIMIT, async || self.connections("TRUE").await).await;
        for id in ids {
            // The connection may already have ended on its own.
            let _ = raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&self.pool).await;
        }
        self.is_quiet().await;
    }

    /// Whether the record of a migration says that it is done, or `None` if there is no record.
    pub(crate) async fn record(&self, version: usize) -> Option<bool> {
        let sql = format!("SELECT success FROM `{}`._sqlx_migrations WHERE version = {version}", self.database);
        self.rows::<(bool,)>(&sql).await.first().map(|(success,)| *success)
    }

    pub(crate) async fn has_column(&self, name: &str) -> bool {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.columns \
             WHERE table_schema = '{}' AND table_name = 'things' AND column_name = '{name}'",
            self.database
        );
        self.number(&sql).await == 1
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let database = &self.database;
        let names = format!(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = '{database}' AND table_name <> '_sqlx_migrations' ORDER BY table_name"
        );
        let mut tables = Vec::new();
        for (name,) in self.rows::<(String,)>(&names).await {
            tables.extend(self.rows::<(String, String)>(&format!("SHOW CREATE TABLE `{database}`.`{name}`")).await);
        }
        let things = format!("SELECT CONCAT_WS(' ', id, kind, n) FROM `{database}`.things ORDER BY id");
        let records = format!("SELECT version, success, checksum FROM `{database}`._sqlx_migrations ORDER BY version");
        Snapshot {
            tables,
            things: self.rows::<(String,)>(&things).await.into_iter().map(|(thing,)| thing).collect(),
            records: self.rows(&records).await,
        }
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.rows::<(i64,)>(sql).await[0].0
    }

    pub(crate) async fn rows<R>(&self, sql: &str) -> Vec<R>
    where
        R: for<'r> FromRow<'r, MySqlRow> + Send + Unpin,
    {
        let rows = sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_all(&self.pool).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs a statement; `DB` in it stands for the database.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sql.replace("DB", &self.database);
        let done = raw_sql(AssertSqlSafe(sql.clone())).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        // An error does no harm: the folder then stays in cargo's target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
