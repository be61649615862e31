//! A migration during which the database server is killed.

use harness::servers::MariaDb;

use crate::site::{LIMIT, Site, TABLES};

const ADD_NOTE: &str = "ALTER TABLE things ADD COLUMN note VARCHAR(20) NULL, ALGORITHM = INSTANT";

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_survives_the_kill_of_the_server_and_of_its_process() {
    for kills_the_process in [false, true] {
        let server = MariaDb::start().await;
        let site = Site::on(&server).await;
        site.migrate_all(&TABLES).await;
        site.add(ADD_NOTE);
        let held = site.hold_things().await;
        let process = site.migrating();
        process.start();
        site.is_blocked().await;
        server.kill().await;
        if kills_the_process {
            process.kill().await;
            process.start();
        }
        drop(held);
        server.start_again().await;
        assert_eq!(process.wait_exit(LIMIT).await, 0, "{}", process.log());
        assert!(site.has_column("note").await);
        assert_eq!(site.record(site.count()).await, Some(true));
    }
}
