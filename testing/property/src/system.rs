//! The database on which all sequences of a test run.

use common::config::{Datasource, Env};
use common::database::Database;
use sqlx::MySqlPool;
use sqlx::migrate::Migrator;

/// The default pool size of a service.
const CONNECTIONS: u32 = 16;

/// A pool on a new database with this schema, prepared as a service prepares it. Each sequence uses new sagas, so the
/// sequences do not disturb each other.
///
/// # Panics
/// Panics if the address of the test server is not valid.
pub async fn database(name: &str, migrator: &Migrator) -> MySqlPool {
    let database = connect(name, CONNECTIONS).await;
    database.prepare(migrator).await;
    database.pool().clone()
}

async fn connect(name: &str, connections: u32) -> Database {
    let server = harness::servers::shared::database().await;
    let url = format!("jdbc:{}", server.url_of(&harness::unique(name)));
    let env = Env::of([("SPRING_DATASOURCE_URL", url)]);
    let source = Datasource::from_env(&env, "SPRING_DATASOURCE", name).expect("a valid address");
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
    async fn a_crashed_call_leaves_no_open_transaction_on_its_connection() {
        // With one connection in the pool, the next call uses the connection of the crashed call.
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
