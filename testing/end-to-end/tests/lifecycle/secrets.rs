//! Secrets that come from files, on servers that require them.

use std::path::PathBuf;

use end_to_end::steps::ORDER_LIMIT;
use end_to_end::{Service, TestSystem, order};
use harness::servers::Redis;
use harness::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::health::{health_page, start_all};

/// A file with a secret. Dropping this value removes the file.
struct Secret(PathBuf);

impl Secret {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(harness::unique("secret"));
        std::fs::write(&path, text).expect("the temporary folder can be written");
        Self(path)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn require_password(redis: &Redis, password: &str) {
    let mut connection = TcpStream::connect(redis.address()).await.expect("Redis accepts connections");
    let command = format!("CONFIG SET requirepass {password}\r\n");
    connection.write_all(command.as_bytes()).await.expect("Redis reads the command");
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await.expect("Redis answers");
    assert_eq!(&answer, b"+OK\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_read_from_files_without_their_trailing_newline() {
    let redis = Redis::start().await;
    require_password(&redis, "redis-s3cret").await;
    let (for_database, for_redis) = (Secret::new("root1234\n"), Secret::new("redis-s3cret\r\n"));
    let mut builder = TestSystem::builder();
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        builder = builder
            .env(service, "SPRING_DATASOURCE_PASSWORD", "")
            .env(service, "SPRING_DATASOURCE_PASSWORD_FILE", for_database.0.display())
            .env(service, "SPRING_DATA_REDIS_PORT", redis.port())
            .env(service, "SPRING_DATA_REDIS_PASSWORD_FILE", for_redis.0.display());
    }
    builder = builder
        .env(Service::Payment, "GATEWAY_DATASOURCE_PASSWORD", "")
        .env(Service::Payment, "GATEWAY_DATASOURCE_PASSWORD_FILE", for_database.0.display())
        .env(Service::Orchestrator, "SPRING_DATA_REDIS_HOST", "127.0.0.1")
        .env(Service::Orchestrator, "SPRING_DATA_REDIS_PORT", redis.port())
        .env(Service::Orchestrator, "SPRING_DATA_REDIS_PASSWORD_FILE", for_redis.0.display());
    let system = builder.start().await;

    assert_eq!(system.place("with-secrets", &order()).await.status_and_code(), (200, "CONFIRMED"));
    for service in Service::ALL {
        let process = system.process(service);
        wait::until("all components to be UP", ORDER_LIMIT, async || {
            health_page(process).await == Some((200, Vec::new()))
        })
        .await;
        let (_, page) = process.get("/actuator/health").await.expect("the process answers");
        assert!(page.contains(r#""redis":{"status":"UP"}"#), "{page}");
        for secret in ["root1234", "redis-s3cret"] {
            assert!(!process.log().contains(secret), "{service:?} shows a secret in its log");
        }
    }
    system.wait_until_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_reported_as_down_and_is_never_shown() {
    let mut builder = TestSystem::builder();
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        builder = builder.env(service, "SPRING_DATASOURCE_PASSWORD", "wr0ng-s3cret");
    }
    let system = builder.build().await;
    start_all(&system);
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        let process = system.process(service);
        let down = Some((503, vec!["db".to_owned()]));
        let what = format!("{service:?} to be DOWN");
        harness::wait::until(&what, std::time::Duration::from_secs(30), async || health_page(process).await == down)
            .await;
        let (_, page) = process.get("/actuator/health").await.expect("the process answers");
        assert!(page.contains("denied"), "{page}");
        assert!(!page.contains("s3cret") && !process.log().contains("s3cret"));
    }
}
