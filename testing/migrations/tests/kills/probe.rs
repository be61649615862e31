//! A long migration and the container's health probe (docs/operations.md, Migrations).

use std::process::Command;
use std::time::Duration;

use harness::process::ServiceProcess;

use crate::site::{LIMIT, Site};

const ADD_NOTE: &str = "ALTER TABLE things ADD COLUMN note VARCHAR(20) NULL, ALGORITHM = INSTANT";

/// The exit code of `<binary> health` while this process is running.
async fn probe(process: &ServiceProcess) -> Option<i32> {
    let port = process.port().to_string();
    let program = env!("CARGO_BIN_EXE_migrations");
    let probe = move || Command::new(program).arg("health").env("SERVER_PORT", port).output();
    tokio::task::spawn_blocking(probe).await.expect("no panic").expect("the program runs").status.code()
}

/// Swarm ends a replica whose migration takes longer than `start_period` and the retries; this test does the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_the_health_check_ends_during_its_migration_loses_nothing() {
    let site = Site::with_tables().await;
    site.add(ADD_NOTE);
    let held = site.hold_things().await;
    let replica = site.replica();
    replica.start();
    site.is_blocked().await;
    for _ in 0..6 {
        assert_eq!(probe(&replica).await, Some(1), "a replica that migrates is not healthy");
    }
    assert_eq!(replica.terminate().await, 0);
    let next = site.replica();
    next.start();
    drop(held);
    next.wait_ready().await;
    assert_eq!(probe(&next).await, Some(0));
    assert!(site.has_column("note").await);
    assert_eq!(site.record(site.count()).await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_migrate_runs_a_long_migration_to_its_end_and_a_replica_is_ready_after_it() {
    let site = Site::with_tables().await;
    site.add(ADD_NOTE);
    let held = site.hold_things().await;
    let job = site.migrating();
    job.start();
    site.is_blocked().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(job.is_running() && !site.has_column("note").await);
    drop(held);
    assert_eq!(job.wait_exit(LIMIT).await, 0, "{}", job.log());

    let replica = site.replica();
    replica.start();
    replica.wait_ready().await;
    assert_eq!(probe(&replica).await, Some(0));
    assert_eq!(site.migrate().await, 0, "a second job has nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_migrate_ends_on_sigterm_and_the_next_one_continues() {
    let site = Site::with_tables().await;
    site.add(ADD_NOTE);
    let held = site.hold_things().await;
    let job = site.migrating();
    job.start();
    site.is_blocked().await;
    assert_eq!(job.terminate().await, 1);
    drop(held);
    assert_eq!(site.migrate().await, 0);
    assert_eq!(site.record(site.count()).await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_command_migrate_a_replica_needs_no_right_to_change_the_schema() {
    let site = Site::with_tables().await;
    let account = format!("{}@'127.0.0.1'", site.database);
    site.execute(&format!("CREATE USER {account} IDENTIFIED BY 'limited'")).await;
    site.execute(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON DB.* TO {account}")).await;
    let limited = |process: ServiceProcess| {
        process.with_env("SPRING_DATASOURCE_USERNAME", &site.database).with_env("SPRING_DATASOURCE_PASSWORD", "limited")
    };
    site.add(ADD_NOTE);
    let refused = limited(site.migrating());
    refused.start();
    assert_eq!(refused.wait_exit(LIMIT).await, 1, "{}", refused.log());
    assert_eq!(site.migrate().await, 0);
    let replica = limited(site.replica());
    replica.start();
    replica.wait_ready().await;
    site.execute(&format!("DROP USER {account}")).await;
}
