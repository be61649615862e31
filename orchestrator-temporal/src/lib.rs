//! The orders API and the order saga: starts, follows and cancels one Temporal workflow an order.
//!
//! Floors, each of which may use those below it: `http` (axum: parse, call, render) → `orders` (use cases) →
//! `temporal` (Temporal's client and worker) → `saga` (the workflow) → `clients` (the services).

mod clients;
mod config;
mod http;
mod orders;
mod saga;
mod temporal;

use std::sync::Arc;

use common::cache::Cache;
use common::config::{ConfigError, Env};
use common::http::{About, Component, Scrape};
use common::lifecycle::Lifecycle;
use common::process::StartError;
use utoipa_axum::router::OpenApiRouter;

use crate::clients::Services;
use crate::config::Config;
use crate::orders::Orders;
use crate::saga::Activities;
use crate::temporal::{Telemetry, Temporal};

/// The port unless `SERVER_PORT` says otherwise.
pub const PORT: u16 = 21081;

/// Runs the orchestrator until SIGTERM.
///
/// # Errors
/// A setting is wrong, or the port cannot be used.
pub async fn run(env: Env) -> Result<(), StartError> {
    let config = Config::from_env(&env)?;
    let lifecycle = Lifecycle::default();
    let signals = lifecycle.clone();
    tokio::spawn(async move { signals.follow_signals().await });

    let services = Services::new(config.services.clone()).map_err(std::io::Error::other)?;
    let (runtime, telemetry) = Telemetry::start(services.http()).map_err(std::io::Error::other)?;
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

/// The server decides: its fault ends the process at once, its end drains the worker.
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
    let orders =
        Orders::new(temporal.clone(), services.clone(), lifecycle.clone(), config.temporal.max_orders, config.limits);
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
        let cache = Cache::new(redis).map_err(|e| ConfigError::new("SPRING_DATA_REDIS_HOST", e.to_string()))?;
        components.push(cache.component());
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
