//! The orders API and the order saga. The program starts, follows and cancels one Temporal workflow per order.
//!
//! Layers, each of which may use those after it: `http` (axum handlers) → `orders` (use cases) → `stuck` (finds stuck
//! orders) → `temporal` (Temporal's client and worker) → `saga` (the workflow) → `clients` (calls to the services).

mod clients;
mod config;
mod http;
mod orders;
mod saga;
mod stuck;
mod temporal;

use std::sync::Arc;

use common::config::{ConfigError, Env};
use common::health::Component;
use common::http::{About, Scrape};
use common::lifecycle::Lifecycle;
use common::process::StartError;
use common::redis_client::RedisClient;
use utoipa_axum::router::OpenApiRouter;

use crate::clients::Services;
use crate::config::Config;
use crate::orders::Orders;
use crate::saga::Activities;
pub use crate::saga::table;
use crate::temporal::{Telemetry, Temporal};

pub const PORT: u16 = 21081;

/// Runs the orchestrator until SIGTERM. Returns an error if a setting is wrong or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let config = Config::from_env(&env)?;
    let lifecycle = Lifecycle::default();
    let signals = lifecycle.clone();
    tokio::spawn(async move { signals.follow_signals().await });

    let services = Services::new(config.services.clone()).map_err(std::io::Error::other)?;
    let (runtime, telemetry) = Telemetry::start().map_err(std::io::Error::other)?;
    let temporal = Temporal::new(config.temporal.clone());
    let about = about(&config, &temporal, telemetry, &lifecycle)?;
    let routes = routes(&config, &temporal, &services, &lifecycle);
    let (server_ended, api_has_ended) = tokio::sync::oneshot::channel::<()>();
    let server = async {
        let served =
            common::http::serve(config.listen, common::http::application(routes, about, &lifecycle), &lifecycle);
        let result = served.await;
        drop(server_ended);
        result
    };
    let worker = async {
        if config.role.has_worker() {
            let activities = || Activities::new(services.clone());
            let ended = async move { drop(api_has_ended.await) };
            temporal::run_until_drained(&temporal, &runtime, activities, &lifecycle, ended).await;
        } else {
            temporal.connect().await;
            lifecycle.mark_started();
        }
    };
    run_both(server, worker, &lifecycle).await
}

/// Runs the server and the worker. If the server fails, the process ends. When the server has ended, the worker drains.
async fn run_both(
    server: impl Future<Output = std::io::Result<()>>,
    worker: impl Future<Output = ()>,
    lifecycle: &Lifecycle,
) -> Result<(), StartError> {
    let mut server = std::pin::pin!(server);
    let mut worker = std::pin::pin!(worker);
    let mut worker_done = false;
    let served = loop {
        tokio::select! {
            result = &mut server => break result,
            () = &mut worker, if !worker_done => worker_done = true,
        }
    };
    served?;
    if !worker_done && lifecycle.has_started() {
        worker.await;
    }
    Ok(())
}

fn routes(config: &Config, temporal: &Temporal, services: &Services, lifecycle: &Lifecycle) -> OpenApiRouter {
    if !config.role.has_api() {
        return OpenApiRouter::new();
    }
    let orders = Orders::new(temporal.clone(), services.clone(), lifecycle.clone(), config.limits);
    let watcher = orders.clone();
    tokio::spawn(async move { watcher.watch_stuck().await });
    http::routes(orders)
}

fn about(
    config: &Config,
    temporal: &Temporal,
    telemetry: Telemetry,
    lifecycle: &Lifecycle,
) -> Result<About, ConfigError> {
    let mut components = vec![temporal.component().once_started(lifecycle), Component::disk_space()];
    if let Some(redis) = &config.redis {
        let client = RedisClient::new(redis).map_err(|e| ConfigError::new("SPRING_DATA_REDIS_HOST", e.to_string()))?;
        components.push(client.component());
    }
    let scrape: Scrape = Arc::new(move || {
        let telemetry = telemetry.clone();
        Box::pin(async move { telemetry.scrape().await })
    });
    Ok(About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        components: components.into(),
        lifecycle: lifecycle.clone(),
        about_orders: true,
        scrape,
    })
}
