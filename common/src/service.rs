//! What the three services with a database have in common: their settings and their way up.

use std::net::SocketAddr;
use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::cache::Cache;
use crate::config::{ConfigError, Datasource, Env, RedisSettings};
use crate::database::Database;
use crate::http::{self, About, Component, Scrape};
use crate::lifecycle::Lifecycle;

/// The settings of a service. Variables: `SERVER_PORT`, `SPRING_DATASOURCE_{URL,USERNAME,PASSWORD[_FILE]}`,
/// `SPRING_DATA_REDIS_{HOST,PORT,PASSWORD[_FILE]}`, `DATABASE_CONNECTIONS` (16).
#[derive(Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the database is.
    pub datasource: Datasource,
    /// Where Redis is, if anywhere.
    pub redis: Option<RedisSettings>,
    /// How many connections the pool may hold.
    pub connections: u32,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// A variable is wrong.
    pub fn from_env(env: &Env, default_port: u16, default_database: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: env.listen_address(default_port)?,
            datasource: Datasource::from_env(env, "SPRING_DATASOURCE", default_database)?,
            redis: RedisSettings::from_env(env)?,
            connections: env.count("DATABASE_CONNECTIONS", 16, 1000)?,
        })
    }
}

/// A service that is about to serve.
pub struct Service {
    name: &'static str,
    version: &'static str,
    listen: SocketAddr,
    /// Its database.
    pub database: Database,
    /// Redis, if configured.
    pub cache: Option<Cache>,
    /// Its life.
    pub lifecycle: Lifecycle,
}

impl Service {
    /// Wires it; nothing is connected yet.
    ///
    /// # Errors
    /// The Redis settings are wrong.
    pub fn new(
        name: &'static str,
        version: &'static str,
        settings: Settings,
        lifecycle: Lifecycle,
    ) -> Result<Self, ConfigError> {
        let cache = settings.redis.as_ref().map(Cache::new).transpose();
        Ok(Self {
            name,
            version,
            listen: settings.listen,
            database: Database::new(settings.datasource, settings.connections),
            cache: cache.map_err(|e| ConfigError::new("SPRING_DATA_REDIS_HOST", e.to_string()))?,
            lifecycle,
        })
    }

    /// Serves until the process drains. `prepare` brings the databases up to date; the service's own routes answer
    /// 503 until it has.
    ///
    /// # Errors
    /// The port cannot be used.
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
        components.extend(self.cache.as_ref().map(Cache::component));
        let database = self.database.clone();
        let scrape: Scrape = Arc::new(move || {
            database.measure();
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
