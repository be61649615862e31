//! Redis. Losing it makes things slower, never wrong: every caller has a way to go on without.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use tokio::sync::OnceCell;

use crate::config::RedisSettings;
use crate::http::Component;

/// How long a call to Redis may take before the caller goes on without it.
const LIMIT: Duration = Duration::from_millis(300);

/// A connection to Redis that is made when first needed and made again when lost.
#[derive(Clone)]
pub struct Cache {
    client: Client,
    connection: std::sync::Arc<OnceCell<ConnectionManager>>,
}

impl Cache {
    /// For these settings; does not connect yet.
    ///
    /// # Errors
    /// Redis refuses the settings' form.
    pub fn new(settings: &RedisSettings) -> Result<Self, redis::RedisError> {
        let mut login = RedisConnectionInfo::default();
        if let Some(password) = &settings.password {
            login = login.set_password(password.as_str());
        }
        let info: ConnectionInfo =
            ConnectionAddr::Tcp(settings.host.clone(), settings.port).into_connection_info()?.set_redis_settings(login);
        Ok(Self { client: Client::open(info)?, connection: std::sync::Arc::default() })
    }

    /// The connection.
    ///
    /// # Errors
    /// Redis cannot be reached within the limit.
    pub async fn connection(&self) -> Result<ConnectionManager, redis::RedisError> {
        let connect = self.connection.get_or_try_init(|| {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(LIMIT))
                .set_response_timeout(Some(LIMIT))
                .set_number_of_retries(1)
                .set_max_delay(Duration::from_secs(1));
            ConnectionManager::new_with_config(self.client.clone(), config)
        });
        match tokio::time::timeout(LIMIT * 2, connect).await {
            Ok(connection) => connection.cloned(),
            Err(_) => Err(redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
        }
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
        let mut connection = self.connection().await.map_err(|e| e.to_string())?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(|e| e.to_string())
    }
}
