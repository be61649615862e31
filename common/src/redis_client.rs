//! Redis. Losing it makes the system slower, never wrong: every caller works without it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult};
use tokio::sync::OnceCell;

use crate::config::RedisSettings;
use crate::health::Component;

const LIMIT: Duration = Duration::from_millis(300);

/// A connection to Redis. It connects on first use and reconnects after a failure.
#[derive(Clone)]
pub struct RedisClient {
    client: Client,
    connection: Arc<Mutex<Slot>>,
}

type Slot = Arc<OnceCell<ConnectionManager>>;

impl RedisClient {
    /// Does not connect yet. Returns an error if the client refuses the settings.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisError> {
        let mut login = RedisConnectionInfo::default();
        if let Some(password) = &settings.password {
            login = login.set_password(password.as_str());
        }
        let info: ConnectionInfo =
            ConnectionAddr::Tcp(settings.host.clone(), settings.port).into_connection_info()?.set_redis_settings(login);
        Ok(Self { client: Client::open(info)?, connection: Arc::default() })
    }

    /// Runs a command. Returns an error if Redis does not answer within the time limit.
    pub async fn run<T, F, Fut>(&self, command: F) -> RedisResult<T>
    where
        F: FnOnce(ConnectionManager) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        let slot = Arc::clone(&self.slot());
        let running = async { command(slot.get_or_try_init(|| self.connect()).await?.clone()).await };
        let answer = match tokio::time::timeout(LIMIT * 2, running).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        if answer.as_ref().is_err_and(RedisError::is_timeout) {
            self.disconnect(&slot);
        }
        answer
    }

    fn connect(&self) -> impl Future<Output = RedisResult<ConnectionManager>> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        ConnectionManager::new_with_config(self.client.clone(), config)
    }

    /// The connection manager keeps a connection after a time-out. The network may have dropped it silently, so the
    /// next command gets a new one.
    fn disconnect(&self, timed_out: &Slot) {
        let mut slot = self.slot();
        if Arc::ptr_eq(&slot, timed_out) {
            *slot = Slot::default();
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn component(&self) -> Component {
        let client = self.clone();
        Component::new("redis", move || {
            let client = client.clone();
            async move { Ok(client.ping().await?) }
        })
    }

    async fn ping(&self) -> RedisResult<()> {
        self.run(async |mut connection| redis::cmd("PING").query_async(&mut connection).await).await
    }
}
