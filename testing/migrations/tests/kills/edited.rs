//! A migration must not mistake another program's change for its own, and must notice that its file has changed.

use crate::site::Site;

const ADD_NOTE: &str = "ALTER TABLE things ADD COLUMN note VARCHAR(20) NULL, ALGORITHM = INSTANT";

/// Runs `<binary> migrate` and returns its exit code and its last line.
async fn outcome(site: &Site<'_>) -> (i32, String) {
    let process = site.migrating();
    process.start();
    let code = process.wait_exit(crate::site::LIMIT).await;
    (code, process.log().lines().last().unwrap_or_default().to_owned())
}

async fn kill_in_the_statement(site: &Site<'_>) {
    let held = site.hold_things().await;
    let process = site.migrating();
    process.start();
    site.is_blocked().await;
    process.kill().await;
    drop(held);
    site.is_quiet().await;
}

#[tokio::test]
async fn a_column_that_another_program_added_does_not_count_as_the_migrations_own() {
    let site = Site::with_tables().await;
    site.execute("ALTER TABLE DB.things ADD COLUMN note INT NULL").await;
    site.add(ADD_NOTE);
    let version = site.count();
    for _ in 0..2 {
        let (code, line) = outcome(&site).await;
        assert_eq!(code, 1, "{line}");
        assert!(line.contains("column `note` of table `things` exists"), "{line}");
        assert_eq!(site.record(version).await, None);
    }
    site.execute("ALTER TABLE DB.things DROP COLUMN note").await;
    assert_eq!(outcome(&site).await.0, 0);
}

#[tokio::test]
async fn a_column_that_another_program_dropped_does_not_count_as_the_migrations_own() {
    let site = Site::with_tables().await;
    site.execute("ALTER TABLE DB.things DROP COLUMN spare").await;
    site.add("ALTER TABLE things DROP COLUMN spare");
    let (code, line) = outcome(&site).await;
    assert_eq!(code, 1, "{line}");
    assert!(line.contains("column `spare` of table `things` does not exist"), "{line}");
}

#[tokio::test]
async fn a_statement_that_the_server_refuses_leaves_no_record_and_can_be_corrected() {
    let site = Site::with_tables().await;
    site.execute("INSERT INTO DB.things (id, n) VALUES (4, 1)").await;
    site.add("ALTER TABLE things ADD UNIQUE INDEX one_n (n), ALGORITHM = INPLACE, LOCK = NONE");
    let version = site.count();
    let (code, line) = outcome(&site).await;
    assert!(code == 1 && line.contains("Duplicate entry"), "{line}");
    assert_eq!(site.record(version).await, None);
    site.edit_last("ALTER TABLE things ADD INDEX one_n (n), ALGORITHM = INPLACE, LOCK = NONE");
    assert_eq!(outcome(&site).await.0, 0);
    assert_eq!(site.record(version).await, Some(true));
}

#[tokio::test]
async fn a_migration_whose_file_changed_after_it_was_interrupted_or_done_is_refused() {
    let site = Site::with_tables().await;
    site.add(ADD_NOTE);
    kill_in_the_statement(&site).await;
    assert_eq!(site.record(site.count()).await, Some(false));
    site.edit_last("ALTER TABLE things ADD COLUMN note TEXT NULL, ALGORITHM = INSTANT");
    let (code, line) = outcome(&site).await;
    assert!(code == 1 && line.contains("modified"), "{line}");

    site.edit_last(ADD_NOTE);
    assert_eq!(outcome(&site).await.0, 0);
    site.edit_last("ALTER TABLE things ADD COLUMN note TEXT NULL, ALGORITHM = INSTANT");
    let (code, line) = outcome(&site).await;
    assert!(code == 1 && line.contains("modified"), "{line}");
}

#[tokio::test]
async fn a_statement_of_an_unknown_form_is_not_run() {
    for sql in [
        "ALTER TABLE things ADD note INT",
        "ALTER TABLE things ADD COLUMN IF NOT EXISTS note INT",
        "ALTER TABLE things ADD INDEX (kind)",
        "ALTER TABLE things RENAME COLUMN n TO m",
        "RENAME TABLE things TO others",
    ] {
        let site = Site::with_tables().await;
        let before = site.snapshot().await;
        site.add(sql);
        let (code, line) = outcome(&site).await;
        assert!(code == 1 && line.contains("migration 4 has a form"), "{sql}: {line}");
        assert_eq!(site.snapshot().await, before);
    }
}
