//! Redis. Losing it makes things slower, never wrong: every caller has a way to go on without.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult};
use tokio::sync::OnceCell;

use crate::config::RedisSettings;
use crate::http::Component;

/// How long a call to Redis may take before the caller goes on without it.
const LIMIT: Duration = Duration::from_millis(300);

/// A connection to Redis that is made when first needed and made again when lost.
#[derive(Clone)]
pub struct Cache {
    client: Client,
    connection: Arc<Mutex<Slot>>,
}

/// A connection, once it is made.
type Slot = Arc<OnceCell<ConnectionManager>>;

impl Cache {
    /// For these settings; does not connect yet.
    ///
    /// # Errors
    /// Redis refuses the settings' form.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisError> {
        let mut login = RedisConnectionInfo::default();
        if let Some(password) = &settings.password {
            login = login.set_password(password.as_str());
        }
        let info: ConnectionInfo =
            ConnectionAddr::Tcp(settings.host.clone(), settings.port).into_connection_info()?.set_redis_settings(login);
        Ok(Self { client: Client::open(info)?, connection: Arc::default() })
    }

    /// Asks Redis something.
    ///
    /// # Errors
    /// Redis refuses, or does not answer within the limit.
    pub async fn ask<T, F, Fut>(&self, question: F) -> RedisResult<T>
    where
        F: FnOnce(ConnectionManager) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        let slot = Arc::clone(&self.slot());
        let asked = async { question(slot.get_or_try_init(|| self.connect()).await?.clone()).await };
        let answer = match tokio::time::timeout(LIMIT * 2, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        if answer.as_ref().is_err_and(RedisError::is_timeout) {
            self.forget(&slot);
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

    /// The connection manager takes a time-out for a slow answer. It may be a network that swallowed the connection, so
    /// the next question gets a new one.
    fn forget(&self, silent: &Slot) {
        let mut slot = self.slot();
        if Arc::ptr_eq(&slot, silent) {
            *slot = Slot::default();
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For `/actuator/health`.
    #[must_use]
    pub fn component(&self) -> Component {
        let cache = self.clone();
        Component::new("redis", move || {
            let cache = cache.clone();
            async move { cache.ping().await }
        })
    }

    /// Does it answer?
    ///
    /// # Errors
    /// It does not; the text says why.
    pub async fn ping(&self) -> Result<(), String> {
        let pinged = self.ask(async |mut connection| redis::cmd("PING").query_async::<()>(&mut connection).await);
        pinged.await.map_err(|e| e.to_string())
    }
}
