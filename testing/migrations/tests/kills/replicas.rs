//! Several processes at the same time: replicas of one release, and replicas of two releases.

use std::time::Duration;

use crate::site::{LIMIT, Site, TABLES};

const STATEMENTS: [&str; 3] = [
    "ALTER TABLE things ADD COLUMN note VARCHAR(20) NULL, ALGORITHM = INSTANT",
    "ALTER TABLE things ADD INDEX by_note (note), ALGORITHM = INPLACE, LOCK = NONE",
    "UPDATE things SET n = n + 1",
];

fn add_statements(site: &Site<'_>) {
    for sql in STATEMENTS {
        site.add(sql);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_together_migrate_once() {
    for _ in 0..5 {
        let site = Site::on(harness::servers::shared::database().await).await;
        for sql in TABLES.iter().chain(&STATEMENTS) {
            site.add(sql);
        }
        let processes: Vec<_> = (0..4).map(|_| site.migrating()).collect();
        for process in &processes {
            process.start();
        }
        for process in &processes {
            assert_eq!(process.wait_exit(LIMIT).await, 0, "{}", process.log());
        }
        let things = site.snapshot().await;
        let undisturbed = Site::with_tables().await;
        undisturbed.migrate_all(&STATEMENTS).await;
        assert_eq!(things, undisturbed.snapshot().await);
    }
}

/// The server may still run the statement of the killed replica. Meanwhile the others must not run it a second time.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_replica_that_migrates_is_killed_the_next_one_waits_for_its_statement_and_continues() {
    let site = Site::with_tables().await;
    add_statements(&site);
    let held = site.hold_things().await;
    let first = site.migrating();
    first.start();
    site.is_blocked().await;
    let others: Vec<_> = (0..3).map(|_| site.migrating()).collect();
    for process in &others {
        process.start();
    }
    site.waits_for_named_lock(3).await;
    first.kill().await;
    // When a client is killed, MySQL continues its waiting statement, but MariaDB notices and ends it. Wait for that.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!site.has_column("note").await);
    drop(held);
    for process in &others {
        assert_eq!(process.wait_exit(LIMIT).await, 0, "{}", process.log());
    }
    let undisturbed = Site::with_tables().await;
    undisturbed.migrate_all(&STATEMENTS).await;
    assert_eq!(site.snapshot().await, undisturbed.snapshot().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_new_release_migrates_a_replica_of_the_previous_one_starts_and_stays_ready() {
    let site = Site::with_tables().await;
    add_statements(&site);
    let previous = site.previous_release(TABLES.len());
    let held = site.hold_things().await;
    let migrating = site.migrating();
    migrating.start();
    site.is_blocked().await;

    let replica = previous.replica();
    replica.start();
    replica.wait_ready().await;
    let replica_of_newer = site.replica();
    replica_of_newer.start();
    site.waits_for_named_lock(1).await;
    let newer = replica_of_newer.get("/actuator/health/readiness").await;
    assert_eq!(newer.map(|(status, _)| status), Some(503), "a replica that still migrates is not ready");

    drop(held);
    assert_eq!(migrating.wait_exit(LIMIT).await, 0, "{}", migrating.log());
    replica_of_newer.wait_ready().await;
    let older = replica.get("/actuator/health/readiness").await;
    assert_eq!(older.map(|(status, _)| status), Some(200));
}

/// The replicas of the previous release must keep the record, because the statement may have taken effect.
#[tokio::test(flavor = "multi_thread")]
async fn the_previous_release_keeps_the_record_of_an_interrupted_migration() {
    let site = Site::with_tables().await;
    site.add(STATEMENTS[0]);
    let version = site.count();
    let migrating = site.migrating();
    let held = site.hold_things().await;
    migrating.start();
    site.is_blocked().await;
    migrating.kill().await;
    drop(held);
    site.is_quiet().await;
    assert_eq!(site.record(version).await, Some(false));

    let previous = site.previous_release(TABLES.len());
    let replica = previous.replica();
    replica.start();
    replica.wait_ready().await;
    assert_eq!(previous.migrate().await, 0);
    assert_eq!(site.record(version).await, Some(false));
    assert_eq!(site.migrate().await, 0);
    assert_eq!(site.record(version).await, Some(true));
}
