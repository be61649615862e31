//! Each kind of migration, killed at each point of its run, and run again.

use std::time::Duration;

use futures::future::join_all;
use harness::wait;
use sqlx::mysql::MySqlConnection;

use crate::site::{LIMIT, Site, Snapshot, TABLES};

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The process has not written the record yet.
    BeforeRecord,
    /// The server runs the statement.
    InStatement,
    /// The statement is done, and the record does not say so yet.
    AfterStatement,
    /// The record says that the statement is done, but the record is not committed.
    BeforeCommit,
    /// The record is committed.
    AfterCommit,
}

/// How the server commits a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Immediately, before the record says that the statement is done.
    Schema,
    /// At the end of the transaction that also contains the record.
    Rows,
}

const POINTS: [Point; 5] =
    [Point::BeforeRecord, Point::InStatement, Point::AfterStatement, Point::BeforeCommit, Point::AfterCommit];

/// The migration after the one that is killed.
const NEXT: &str = "ALTER TABLE things ADD COLUMN later INT NULL, ALGORITHM = INSTANT";

impl Point {
    /// The event and the condition of the trigger, on the table of the records, that stops the process here.
    fn trigger(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::BeforeRecord => Some(("BEFORE INSERT", "TRUE")),
            Self::InStatement => None,
            Self::AfterStatement => Some(("BEFORE UPDATE", "NOT OLD.success")),
            Self::BeforeCommit => Some(("AFTER UPDATE", "NOT OLD.success")),
            // sqlx updates the execution time last.
            Self::AfterCommit => Some(("BEFORE UPDATE", "OLD.success")),
        }
    }

    /// The record that a kill at this point leaves.
    fn record(self, kind: Kind) -> Option<bool> {
        match (self, kind) {
            (Self::BeforeRecord, _) => None,
            (Self::InStatement | Self::AfterStatement | Self::BeforeCommit, Kind::Schema) => Some(false),
            (Self::InStatement | Self::AfterStatement | Self::BeforeCommit, Kind::Rows) => None,
            (Self::AfterCommit, _) => Some(true),
        }
    }

    /// Makes the next migration stop here, until the connection is dropped.
    async fn stop(self, site: &Site<'_>) -> MySqlConnection {
        let Some((time, condition)) = self.trigger() else { return site.hold_things().await };
        let lock = format!("stop.{}", site.database);
        let held = site.hold(&format!("SELECT GET_LOCK('{lock}', 0)")).await;
        site.execute(&format!(
            "CREATE TRIGGER DB.stop {time} ON DB._sqlx_migrations FOR EACH ROW
             SET @stopped = IF({condition}, GET_LOCK('{lock}', 120), 0)"
        ))
        .await;
        held
    }
}

/// Kills a migration at a point, runs it again, and compares the result with that of an undisturbed run.
async fn kill_at(point: Point, kind: Kind, sql: &str, undisturbed: &Snapshot) {
    let site = Site::with_tables().await;
    let version = site.count() + 1;
    site.add(sql);
    site.add(NEXT);

    let stop = point.stop(&site).await;
    let process = site.migrating();
    process.start();
    if point == Point::InStatement {
        site.is_blocked().await;
        process.kill().await;
    } else {
        site.waits_for_named_lock(1).await;
        process.kill().await;
        // The statement that the trigger stopped must not continue.
        site.end_connections().await;
    }
    drop(stop);
    site.is_quiet().await;
    assert_eq!(site.record(version).await, point.record(kind), "{point:?} {sql}");

    site.execute("DROP TRIGGER IF EXISTS DB.stop").await;
    assert_eq!(site.migrate().await, 0, "{point:?} {sql}");
    assert_eq!(site.snapshot().await, *undisturbed, "{point:?} {sql}");
    assert_eq!(site.migrate().await, 0);
    assert_eq!(site.snapshot().await, *undisturbed, "a run after the last one: {point:?} {sql}");
}

async fn kill_each(kind: Kind, points: &[Point], statements: &[&str]) {
    for sql in statements {
        let site = Site::with_tables().await;
        site.migrate_all(&[sql, NEXT]).await;
        let undisturbed = site.snapshot().await;
        join_all(points.iter().map(|point| kill_at(*point, kind, sql, &undisturbed))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_that_is_killed_anywhere_is_made_once() {
    let statements = [
        "ALTER TABLE things ADD COLUMN note VARCHAR(20) CHARACTER SET utf8mb4 NULL, ALGORITHM = INSTANT",
        "ALTER TABLE things ADD COLUMN size INT NOT NULL DEFAULT 7, ALGORITHM = INSTANT",
        "ALTER TABLE things ADD INDEX by_kind (kind, n), ALGORITHM = INPLACE, LOCK = NONE",
        "ALTER TABLE things ADD UNIQUE INDEX one_n (n), ALGORITHM = INPLACE, LOCK = NONE",
    ];
    kill_each(Kind::Schema, &POINTS, &statements).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_is_killed_anywhere_is_added_once() {
    let statements = [
        "ALTER TABLE things ADD CONSTRAINT small CHECK (n < 1000)",
        "ALTER TABLE things ADD CONSTRAINT unique_n UNIQUE (n, kind)",
        "ALTER TABLE things ADD CONSTRAINT of_kind FOREIGN KEY (kind) REFERENCES kinds (id)",
    ];
    kill_each(Kind::Schema, &POINTS, &statements).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_killed_anywhere_is_made_once() {
    let statements = [
        "ALTER TABLE things DROP COLUMN spare",
        "ALTER TABLE things DROP INDEX by_n",
        "ALTER TABLE things DROP CONSTRAINT positive",
    ];
    kill_each(Kind::Schema, &POINTS, &statements).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_column_that_is_killed_anywhere_is_made() {
    let statements =
        ["ALTER TABLE things MODIFY COLUMN n BIGINT NOT NULL", "ALTER TABLE things ALTER COLUMN n SET DEFAULT 5"];
    kill_each(Kind::Schema, &POINTS, &statements).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_migration_is_killed_is_made_and_dropped_once() {
    let points = [Point::BeforeRecord, Point::AfterStatement, Point::BeforeCommit, Point::AfterCommit];
    let statements =
        ["CREATE TABLE IF NOT EXISTS others (id INT PRIMARY KEY) ENGINE = InnoDB", "DROP TABLE IF EXISTS kinds"];
    kill_each(Kind::Schema, &points, &statements).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_migration_is_killed_anywhere_change_once() {
    let statements = [
        "INSERT INTO things (id, n) VALUES (4, 4)",
        "INSERT IGNORE INTO things (id, n) VALUES (1, 9), (4, 4)",
        "UPDATE things SET n = n + 1",
        "DELETE FROM things WHERE n = 2",
    ];
    kill_each(Kind::Rows, &POINTS, &statements).await;
}

/// Here the server is busy with the statement. In the other tests the statement waits for a lock.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_over_many_rows_that_is_killed_while_the_server_builds_it_is_added_once() {
    for round in 0..6 {
        let site = Site::with_tables().await;
        site.execute("INSERT INTO DB.things (id, n) SELECT id + 3, n FROM DB.things").await;
        for exponent in 1..17 {
            let rows = 3 << exponent;
            site.execute(&format!("INSERT INTO DB.things (id, n) SELECT id + {rows}, n + 1 FROM DB.things")).await;
        }
        site.add("ALTER TABLE things ADD INDEX by_kind (kind, n), ALGORITHM = INPLACE, LOCK = NONE");
        let process = site.migrating();
        process.start();
        let version = TABLES.len() + 1;
        wait::until("the statement to begin", LIMIT, async || site.record(version).await.is_some()).await;
        tokio::time::sleep(Duration::from_millis(round * 40)).await;
        process.kill().await;
        assert_eq!(site.migrate().await, 0);
        assert_eq!(site.record(version).await, Some(true));
        let columns = format!(
            "SELECT COUNT(*) FROM information_schema.statistics \
             WHERE table_schema = '{}' AND index_name LIKE 'by_kind%'",
            site.database
        );
        assert_eq!(site.number(&columns).await, 2);
    }
}
