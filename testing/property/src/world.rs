//! The database that all sequences of a test run on.

use common::config::{Datasource, Env};
use common::database::Database;
use sqlx::MySqlPool;
use sqlx::migrate::Migrator;

/// As many connections as a service has.
const CONNECTIONS: u32 = 16;

/// A pool on a fresh database with this schema, set up as the services do it. Sequences keep out of each other's way
/// by sagas of their own.
///
/// # Panics
/// The address is wrong.
pub async fn database(name: &str, migrator: &Migrator) -> MySqlPool {
    let database = connect(name, CONNECTIONS).await;
    database.prepare(migrator).await;
    database.pool().clone()
}

async fn connect(name: &str, connections: u32) -> Database {
    let server = harness::servers::shared::database().await;
    let url = format!("jdbc:{}", server.url_of(&harness::unique(name)));
    let env = Env::of([("SPRING_DATASOURCE_URL", url)]);
    let source = Datasource::from_env(&env, "SPRING_DATASOURCE", name).expect("a right address");
    Database::new(source, connections)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::migrate::{Migration, MigrationType};
    use sqlx::{Connection, MySqlConnection, SqlStr};

    use super::*;
    use crate::crashed_after;

    fn one_table() -> Migrator {
        let sql = SqlStr::from_static("CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY) ENGINE = InnoDB");
        let migration = Migration::new(1, Cow::Borrowed("t"), MigrationType::Simple, sql, false);
        Migrator { migrations: Cow::Owned(vec![migration]), ..Migrator::DEFAULT }
    }

    #[tokio::test]
    async fn a_call_that_crashes_anywhere_leaves_no_transaction_open_on_its_connection() {
        // One connection, so that whoever comes next gets the one that the call had.
        let database = connect("crashes", 1).await;
        database.prepare(&one_table()).await;
        let options = database.pool().connect_options();
        let mut other = MySqlConnection::connect_with(&options).await.expect("a connection");
        for waits in 1..30 {
            let call = async {
                let mut tx = database.pool().begin().await?;
                sqlx::query("INSERT INTO t VALUES (?)").bind(-waits).execute(&mut *tx).await?;
                tx.commit().await
            };
            let crash = u32::try_from(waits).expect("a small number");
            if let Some(done) = crashed_after(Some(crash), call).await {
                done.expect("a commit");
            }
            let single = sqlx::query("INSERT INTO t VALUES (?)").bind(waits).execute(database.pool()).await;
            single.expect("an insert");
            let found = sqlx::query("SELECT id FROM t WHERE id = ?").bind(waits).fetch_optional(&mut other).await;
            assert!(found.expect("a query").is_some(), "not committed after a crash at wait {waits}");
        }
    }
}
