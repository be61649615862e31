//! Tests of the servers: start, kill, pause and restart with the same data.

use std::time::Duration;

use harness::servers::{MariaDb, Redis, Temporal, shared};
use harness::{unique, wait};
use sqlx::{Connection, Executor, MySqlConnection, Row};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(20);

async fn connect(database: &MariaDb) -> MySqlConnection {
    MySqlConnection::connect(&database.url()).await.expect("root can connect over TCP")
}

#[tokio::test]
async fn tests_can_create_databases_on_the_shared_server() {
    let name = unique("orders");
    let mut connection = connect(shared::database().await).await;
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("root may create");
    let url = shared::database().await.url_of(&name);
    let mut inside = MySqlConnection::connect(&url).await.expect("the new database can be used");
    inside.execute("CREATE TABLE t (id INT)").await.expect("a table can be created");
}

#[tokio::test]
async fn the_database_writes_to_disk_at_each_commit() {
    let mut connection = connect(shared::database().await).await;
    let row = connection.fetch_one("SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite").await;
    let row = row.expect("the settings can be read");
    let flush: u64 = row.try_get(0).or_else(|_| row.try_get::<i64, _>(0).map(i64::unsigned_abs)).expect("a number");
    assert_eq!(flush, 1);
}

#[tokio::test]
async fn a_killed_database_restarts_with_all_committed_rows() {
    let database = MariaDb::start().await;
    let mut connection = connect(&database).await;
    connection.execute("CREATE DATABASE d").await.expect("root may create");
    connection.execute("CREATE TABLE d.t (id INT)").await.expect("a table can be created");
    connection.execute("INSERT INTO d.t VALUES (7)").await.expect("a row can be stored");
    let (port, pid) = (database.port(), database.pid());

    database.kill().await;
    assert!(!database.is_ready().await);
    database.start_again().await;

    assert_eq!(database.port(), port);
    assert_ne!(database.pid(), pid);
    let row = connect(&database).await.fetch_one("SELECT id FROM d.t").await.expect("the row still exists");
    assert_eq!(row.get::<i32, _>(0), 7);
    database.stop().await;
    database.start_again().await;
    assert!(database.is_ready().await);
}

#[tokio::test]
async fn a_paused_database_accepts_connections_but_does_not_answer_until_it_is_resumed() {
    let database = MariaDb::start().await;
    database.pause().await;
    assert!(TcpStream::connect(database.address()).await.is_ok());
    assert!(!database.is_ready().await);
    database.resume();
    wait::until("the database to answer", LIMIT, async || database.is_ready().await).await;
}

async fn redis_command(redis: &Redis, command: &str, answer: &str) {
    let mut connection = TcpStream::connect(redis.address()).await.expect("Redis listens");
    connection.write_all(format!("{command}\r\n").as_bytes()).await.expect("Redis reads");
    let mut got = vec![0; answer.len()];
    connection.read_exact(&mut got).await.expect("Redis answers");
    assert_eq!(String::from_utf8_lossy(&got), answer);
}

#[tokio::test]
async fn a_stopped_redis_restarts_with_its_data() {
    let redis = Redis::start().await;
    redis_command(&redis, "SET key value", "+OK").await;
    redis.stop().await;
    assert!(TcpStream::connect(redis.address()).await.is_err());
    redis.start_again().await;
    redis_command(&redis, "GET key", "$5\r\nvalue").await;
    redis.pause().await;
    assert!(!redis.is_ready().await);
    redis.resume();
    wait::until("Redis to answer", LIMIT, async || redis.is_ready().await).await;
}

#[tokio::test]
async fn a_killed_temporal_restarts_with_its_workflows() {
    let temporal = Temporal::start().await;
    let start = ["workflow", "start", "--type", "t", "--task-queue", "q", "--workflow-id", "order-1"];
    temporal.command(&start).await.expect("a workflow can be started");
    temporal.kill().await;
    assert!(!temporal.is_ready().await);
    temporal.start_again().await;
    let described = temporal.command(&["workflow", "describe", "--workflow-id", "order-1"]).await;
    assert!(described.expect("the workflow still exists").contains("order-1"));
    temporal.stop().await;
}

#[tokio::test]
async fn all_tests_of_a_process_share_one_server_of_each_kind() {
    let (one, other) = tokio::join!(shared::redis(), shared::redis());
    assert_eq!(one.pid(), other.pid());
    let elsewhere = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a thread can have a runtime").block_on(async { shared::redis().await.pid() })
    });
    assert_eq!(elsewhere.join().expect("the other runtime gets the same server"), one.pid());
    assert!(one.is_ready().await, "the server survives the end of that runtime");
}
