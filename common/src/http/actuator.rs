//! `/actuator`: health, info and metrics, under Spring's names and in Spring's forms.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health::Status;
use super::{Component, Health, Json};
use crate::lifecycle::Lifecycle;
use crate::telemetry::metrics;

/// More lines for the metrics page, made when it is asked for.
pub type Scrape = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// What a program says of itself.
#[derive(Clone)]
pub struct About {
    /// The program's name.
    pub name: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// What it needs.
    pub components: Arc<[Component]>,
    /// Whether it has started, and whether it drains.
    pub lifecycle: Lifecycle,
    /// Are its own answers about orders? Then its refusals say `success: false`, too.
    pub about_orders: bool,
    /// Sets gauges, and returns what other metric sources have to say.
    pub scrape: Scrape,
}

pub(super) fn routes(about: About) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(readiness))
        .routes(routes!(liveness))
        .routes(routes!(info))
        .routes(routes!(prometheus))
        .with_state(about)
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        let code = if self.status == Status::Up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (code, Json(self)).into_response()
    }
}

/// The process and everything that it needs.
#[utoipa::path(get, path = "/actuator/health", tag = "actuator", responses(
    (status = 200, description = "All parts are UP", body = Health),
    (status = 503, description = "A part is DOWN; the body names it", body = Health),
))]
async fn health(State(about): State<About>) -> Health {
    Health::of(&about.components).await
}

/// Should requests be sent here? Independent of what the process needs, once it has started.
#[utoipa::path(get, path = "/actuator/health/readiness", tag = "actuator", responses(
    (status = 200, description = "Started, and not draining", body = Health),
    (status = 503, description = "Still starting, or draining", body = Health),
))]
async fn readiness(State(about): State<About>) -> Health {
    Health::plain(about.lifecycle.is_ready())
}

/// Does the process live?
#[utoipa::path(get, path = "/actuator/health/liveness", tag = "actuator", responses(
    (status = 200, description = "It does", body = Health),
))]
async fn liveness() -> Health {
    Health::plain(true)
}

#[derive(Serialize, ToSchema)]
struct Info {
    app: App,
}

#[derive(Serialize, ToSchema)]
struct App {
    name: &'static str,
    version: &'static str,
}

/// Which program this is.
#[utoipa::path(get, path = "/actuator/info", tag = "actuator", responses(
    (status = 200, description = "Name and version", body = Info),
))]
async fn info(State(about): State<About>) -> Json<Info> {
    Json(Info { app: App { name: about.name, version: about.version } })
}

/// All metrics in Prometheus' text form.
#[utoipa::path(get, path = "/actuator/prometheus", tag = "actuator", responses(
    (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
))]
async fn prometheus(State(about): State<About>) -> Response {
    let others = (about.scrape)().await;
    let own = metrics::recorder().map(|recorder| recorder.render()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], own + &others).into_response()
}
