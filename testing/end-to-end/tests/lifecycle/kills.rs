//! A process that is killed while it migrates: the next start brings the schema up to date.

use std::time::Duration;

use end_to_end::Service;
use harness::wait;

use crate::replicas::{SERVICES, Site};

const LIMIT: Duration = Duration::from_secs(30);

/// How many tables the service's own database has, views not counted; -1 before the database is there.
async fn tables(site: &Site) -> i64 {
    let sql = format!(
        "SELECT CAST((SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{0}') AS SIGNED) - 1 \
         + CAST((SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{0}') AS SIGNED)",
        site.database
    );
    site.rows::<(i64,)>(sql).await[0].0
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_of_its_migration_a_service_starts_the_next_time() {
    for service in SERVICES {
        // The migrations' own table is one; one round more kills it at the end.
        for made in 0..=3 {
            let site = Site::new(service).await;
            let process = site.replica();
            process.start();
            wait::until("tables to appear", LIMIT, async || {
                // Without a pause: it is to be hit in the middle.
                for _ in 0..50 {
                    if tables(&site).await >= made {
                        return true;
                    }
                }
                service != Service::Inventory && tables(&site).await >= 2
            })
            .await;
            process.kill().await;
            process.start();
            process.wait_ready().await;
            site.assert_migrated_once().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_random_times_again_and_again_a_service_starts_the_next_time() {
    let site = Site::new(Service::Inventory).await;
    let process = site.replica();
    for millis in [15, 25, 35, 45, 60, 80, 110, 150] {
        process.start();
        // Not for something to happen, but for it to be anywhere.
        tokio::time::sleep(Duration::from_millis(millis)).await;
        process.kill().await;
    }
    process.start();
    process.wait_ready().await;
    site.assert_migrated_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_begun_and_not_recorded_as_done_runs_again() {
    for service in SERVICES {
        for table_was_made in [true, false] {
            let site = Site::new(service).await;
            let process = site.replica();
            process.start();
            process.wait_ready().await;
            process.kill().await;
            let table = match service {
                Service::Order => "orders",
                Service::Payment => "payments",
                _ => "deliveries",
            };
            let records = format!("`{}`._sqlx_migrations", site.database);
            let last = format!("SELECT CAST(MAX(version) AS SIGNED) FROM {records}");
            let last = site.rows::<(i64,)>(last).await[0].0;
            site.execute(format!("UPDATE {records} SET success = FALSE WHERE version = {last}")).await;
            if !table_was_made {
                site.execute(format!("DROP TABLE `{}`.{table}", site.database)).await;
            }
            process.start();
            process.wait_ready().await;
            site.assert_migrated_once().await;
            site.rows::<(i64,)>(format!("SELECT COUNT(*) FROM `{}`.{table}", site.database)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_its_statement_waits_in_the_database_a_service_starts_the_next_time() {
    let site = Site::new(Service::Inventory).await;
    let process = site.replica();
    process.start();
    process.wait_ready().await;
    process.kill().await;
    site.execute(format!("DELETE FROM `{}`._sqlx_migrations WHERE version >= 3", site.database)).await;

    let migrating = site.hold_migrations().await;
    process.start();
    site.someone_waits("User lock").await;
    let mut reader = site.pool.acquire().await.expect("a connection");
    let lock = format!("LOCK TABLES `{}`._sqlx_migrations WRITE", site.database);
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *reader).await.expect("the lock");
    drop(migrating);
    site.someone_waits("Waiting for table metadata lock").await;
    process.kill().await;
    process.start();
    drop(reader.detach());
    process.wait_ready().await;
    site.assert_migrated_once().await;
}
