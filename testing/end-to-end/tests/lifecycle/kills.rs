//! A process is killed during a migration. The next start must complete the schema.

use std::time::Duration;

use end_to_end::Service;
use harness::wait;

use crate::replicas::{SERVICES, ServiceDatabases};

const LIMIT: Duration = Duration::from_secs(30);

/// The number of tables in the service's database. It is -1 before the database exists.
async fn tables(databases: &ServiceDatabases) -> i64 {
    let sql = format!(
        "SELECT CAST((SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{0}') AS SIGNED) - 1 \
         + CAST((SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{0}') AS SIGNED)",
        databases.database
    );
    databases.rows::<(i64,)>(sql).await[0].0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_at_any_moment_of_a_migration_starts_the_next_time() {
    for service in SERVICES {
        // The first table records the migrations. The last round kills the service after the last table exists.
        for created in 0..=3 {
            let databases = ServiceDatabases::new(service).await;
            let process = databases.replica();
            process.start();
            wait::until("tables to appear", LIMIT, async || {
                // There is no pause here, because the kill must hit the middle of the migration.
                for _ in 0..50 {
                    if tables(&databases).await >= created {
                        return true;
                    }
                }
                service != Service::Inventory && tables(&databases).await >= 2
            })
            .await;
            process.kill().await;
            process.start();
            process.wait_ready().await;
            databases.assert_migrated_once().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_repeatedly_during_its_start_starts_the_next_time() {
    let databases = ServiceDatabases::new(Service::Inventory).await;
    let process = databases.replica();
    for millis in [15, 25, 35, 45, 60, 80, 110, 150] {
        process.start();
        // Each pause ends at a different moment of the start.
        tokio::time::sleep(Duration::from_millis(millis)).await;
        process.kill().await;
    }
    process.start();
    process.wait_ready().await;
    databases.assert_migrated_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_not_recorded_as_done_runs_again() {
    for service in SERVICES {
        for table_was_created in [true, false] {
            let databases = ServiceDatabases::new(service).await;
            let process = databases.replica();
            process.start();
            process.wait_ready().await;
            process.kill().await;
            let table = match service {
                Service::Order => "orders",
                Service::Payment => "payments",
                _ => "deliveries",
            };
            let records = format!("`{}`._sqlx_migrations", databases.database);
            let last = format!("SELECT CAST(MAX(version) AS SIGNED) FROM {records}");
            let last = databases.rows::<(i64,)>(last).await[0].0;
            databases.execute(format!("UPDATE {records} SET success = FALSE WHERE version = {last}")).await;
            if !table_was_created {
                databases.execute(format!("DROP TABLE `{}`.{table}", databases.database)).await;
            }
            process.start();
            process.wait_ready().await;
            databases.assert_migrated_once().await;
            databases.rows::<(i64,)>(format!("SELECT COUNT(*) FROM `{}`.{table}", databases.database)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_while_its_migration_waits_for_a_lock_starts_the_next_time() {
    let databases = ServiceDatabases::new(Service::Inventory).await;
    let process = databases.replica();
    process.start();
    process.wait_ready().await;
    process.kill().await;
    databases.execute(format!("DELETE FROM `{}`._sqlx_migrations WHERE version >= 3", databases.database)).await;

    let migration = databases.lock_migrations().await;
    process.start();
    databases.wait_for_statement_state("User lock").await;
    let mut reader = databases.pool.acquire().await.expect("the pool has a connection");
    let lock = format!("LOCK TABLES `{}`._sqlx_migrations WRITE", databases.database);
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *reader).await.expect("the table can be locked");
    drop(migration);
    databases.wait_for_statement_state("Waiting for table metadata lock").await;
    process.kill().await;
    process.start();
    drop(reader.detach());
    process.wait_ready().await;
    databases.assert_migrated_once().await;
}
