//! Tests of the TCP proxy: every mode, and the reset of connections.

use std::time::{Duration, Instant};

use harness::proxy::{Mode, TcpProxy};
use harness::servers::shared;
use harness::wait;
use sqlx::{Connection, MySqlConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(200);

async fn proxy_and_connection() -> (TcpProxy, TcpStream) {
    let proxy = TcpProxy::start(shared::redis().await.address()).await;
    let connection = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    (proxy, connection)
}

/// Whether Redis answers on this connection. Returns an error if the connection is reset or closed.
async fn ping(connection: &mut TcpStream) -> std::io::Result<bool> {
    connection.write_all(b"PING\r\n").await?;
    pong(connection).await
}

async fn pong(connection: &mut TcpStream) -> std::io::Result<bool> {
    let mut answer = [0; 7];
    match timeout(SHORT * 5, connection.read_exact(&mut answer)).await {
        Ok(read) => read.map(|_| &answer == b"+PONG\r\n"),
        Err(_) => Ok(false),
    }
}

async fn is_reset(connection: &mut TcpStream) -> bool {
    let read = timeout(LIMIT, connection.read_u8()).await.expect("the end of the connection is seen");
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn a_database_is_reached_through_the_proxy_and_a_cut_resets_only_the_open_connections() {
    let database = shared::database().await;
    let proxy = TcpProxy::start(database.address()).await;
    let url = database.url().replace(&database.address(), &proxy.address());
    let mut connection = MySqlConnection::connect(&url).await.expect("the database is reached");
    connection.ping().await.expect("the connection works");
    assert_eq!(proxy.open_connections(), 1);
    proxy.cut();
    assert!(connection.ping().await.is_err());
    let mut connection = MySqlConnection::connect(&url).await.expect("new connections work");
    connection.ping().await.expect("new connections work");
    connection.close().await.expect("the proxy forwards an orderly end");
    wait::until("all connections to be closed", LIMIT, async || proxy.open_connections() == 0).await;
}

#[tokio::test]
async fn a_cut_is_a_reset() {
    let (proxy, mut connection) = proxy_and_connection().await;
    assert!(ping(&mut connection).await.expect("the connection works"));
    proxy.cut();
    assert!(is_reset(&mut connection).await);
}

#[tokio::test]
async fn the_mode_refuse_resets_old_and_new_connections() {
    let (proxy, mut old) = proxy_and_connection().await;
    assert!(ping(&mut old).await.expect("the connection works"));
    proxy.set_mode(Mode::Refuse);
    assert!(is_reset(&mut old).await);
    // The reset may arrive before connect returns.
    if let Ok(mut new) = TcpStream::connect(proxy.address()).await {
        assert!(is_reset(&mut new).await);
    }
    proxy.set_mode(Mode::Pass);
    let mut new = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    assert!(ping(&mut new).await.expect("new connections work"));
}

#[tokio::test]
async fn the_mode_hang_stalls_old_and_new_connections_and_loses_no_bytes() {
    let (proxy, mut old) = proxy_and_connection().await;
    assert!(ping(&mut old).await.expect("the connection works"));
    proxy.set_mode(Mode::Hang);
    let mut new = TcpStream::connect(proxy.address()).await.expect("the proxy accepts");
    assert!(!ping(&mut old).await.expect("the old connection stays open"));
    assert!(!ping(&mut new).await.expect("the new connection stays open"));
    proxy.set_mode(Mode::Pass);
    assert!(pong(&mut old).await.expect("the old connection continues"));
    assert!(pong(&mut new).await.expect("the new connection continues"));
}

#[tokio::test]
async fn a_hanging_connection_does_not_notice_that_its_server_died() {
    let redis = harness::servers::Redis::start().await;
    let proxy = TcpProxy::start(redis.address()).await;
    let mut connection = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    assert!(ping(&mut connection).await.expect("the connection works"));
    proxy.set_mode(Mode::Hang);
    redis.stop().await;
    assert!(timeout(SHORT, connection.read_u8()).await.is_err(), "nothing is delivered, not even the end");
    proxy.set_mode(Mode::Refuse);
    assert!(is_reset(&mut connection).await);
}

#[tokio::test]
async fn a_delay_is_added_in_each_direction() {
    let (proxy, mut connection) = proxy_and_connection().await;
    proxy.set_mode(Mode::Delay(SHORT));
    let begin = Instant::now();
    assert!(ping(&mut connection).await.expect("the connection works"));
    // The proxy may have connected to the target before or after the mode was set.
    assert!(begin.elapsed() >= SHORT * 2, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_connection_to_an_unused_port_is_reset_and_the_target_can_be_changed() {
    let proxy = TcpProxy::start(format!("127.0.0.1:{}", harness::free_port())).await;
    let mut connection = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    assert!(is_reset(&mut connection).await);
    proxy.set_target(shared::redis().await.address());
    let mut connection = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    assert!(ping(&mut connection).await.expect("the new target answers"));
}
