//! What the three services with a database have in common: their settings, and how they start.

use std::net::SocketAddr;
use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::config::{ConfigError, Datasource, Env, RedisSettings};
use crate::database::Database;
use crate::health::Component;
use crate::http::{self, About, Scrape};
use crate::lifecycle::Lifecycle;
use crate::redis_client::RedisClient;

/// The settings of a service. Variables: `SERVER_PORT`, `SPRING_DATASOURCE_{URL,USERNAME,PASSWORD[_FILE]}`,
/// `SPRING_DATA_REDIS_{HOST,PORT,PASSWORD[_FILE]}`, `DATABASE_CONNECTIONS` (16).
#[derive(Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub datasource: Datasource,
    pub redis: Option<RedisSettings>,
    pub connections: u32,
}

impl Settings {
    pub fn from_env(env: &Env, default_port: u16, default_database: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: env.listen_address(default_port)?,
            datasource: Datasource::from_env(env, "SPRING_DATASOURCE", default_database)?,
            redis: RedisSettings::from_env(env)?,
            connections: env.count("DATABASE_CONNECTIONS", 16, 1000)?,
        })
    }
}

pub struct Service {
    name: &'static str,
    version: &'static str,
    listen: SocketAddr,
    pub database: Database,
    pub redis: Option<RedisClient>,
    pub lifecycle: Lifecycle,
}

impl Service {
    /// Opens no connection yet. Returns an error if the Redis settings are wrong.
    pub fn new(
        name: &'static str,
        version: &'static str,
        settings: Settings,
        lifecycle: Lifecycle,
    ) -> Result<Self, ConfigError> {
        let redis = settings.redis.as_ref().map(RedisClient::new).transpose();
        Ok(Self {
            name,
            version,
            listen: settings.listen,
            database: Database::new(settings.datasource, settings.connections),
            redis: redis.map_err(|e| ConfigError::new("SPRING_DATA_REDIS_HOST", e.to_string()))?,
            lifecycle,
        })
    }

    /// Serves until the process drains. The service's own routes answer 503 until `prepare`, which migrates the
    /// databases, has finished. Returns an error if the port cannot be used.
    pub async fn serve<F>(self, api: OpenApiRouter, prepare: F) -> std::io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let started = self.lifecycle.clone();
        tokio::spawn(async move {
            prepare.await;
            started.mark_started();
            tracing::info!("started");
        });
        let routes = http::application(api, self.about(), &self.lifecycle);
        http::serve(self.listen, routes, &self.lifecycle).await
    }

    fn about(&self) -> About {
        let database = self.database.component().once_started(&self.lifecycle);
        let mut components = vec![database, Component::disk_space()];
        components.extend(self.redis.as_ref().map(RedisClient::component));
        let database = self.database.clone();
        let scrape: Scrape = Arc::new(move || {
            database.record_pool_metrics();
            Box::pin(std::future::ready(String::new()))
        });
        About {
            name: self.name,
            version: self.version,
            components: components.into(),
            lifecycle: self.lifecycle.clone(),
            about_orders: false,
            scrape,
        }
    }
}
