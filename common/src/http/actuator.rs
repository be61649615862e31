//! `/actuator`: health, info and metrics, with the paths and JSON forms of Spring Boot.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Json;
use crate::health::{Component, Health, Status};
use crate::lifecycle::Lifecycle;
use crate::telemetry::metrics;

/// Updates gauges before a scrape, and returns further metrics in Prometheus' text format.
pub type Scrape = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

#[derive(Clone)]
pub struct About {
    pub name: &'static str,
    pub version: &'static str,
    pub components: Arc<[Component]>,
    pub lifecycle: Lifecycle,
    /// Whether the program's own routes are about orders. Their error bodies then have `success: false`.
    pub about_orders: bool,
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

/// The health of the process and of every component that it needs.
#[utoipa::path(get, path = "/actuator/health", tag = "actuator", responses(
    (status = 200, description = "All components are UP", body = Health),
    (status = 503, description = "A component is DOWN. The body names it", body = Health),
))]
async fn health(State(about): State<About>) -> Health {
    Health::of(&about.components).await
}

/// Whether the process accepts requests. Once it has started, this does not depend on its components.
#[utoipa::path(get, path = "/actuator/health/readiness", tag = "actuator", responses(
    (status = 200, description = "The process has started and does not drain", body = Health),
    (status = 503, description = "The process is still starting, or draining", body = Health),
))]
async fn readiness(State(about): State<About>) -> Health {
    Health::of_process(about.lifecycle.is_ready())
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/actuator/health/liveness", tag = "actuator", responses(
    (status = 200, description = "The process is alive", body = Health),
))]
async fn liveness() -> Health {
    Health::of_process(true)
}

#[derive(Serialize, ToSchema)]
struct Info {
    app: App,
}

#[derive(Serialize, ToSchema)]
struct App {
    name: &'static str,
    version: &'static str,
    /// The revision of the source code, as given to the build.
    revision: &'static str,
}

/// `VERSION` and `REVISION` are set when an image is built; other builds have the version of the manifest.
const VERSION: Option<&str> = option_env!("VERSION");
const REVISION: Option<&str> = option_env!("REVISION");

/// The name, version and revision of the program.
#[utoipa::path(get, path = "/actuator/info", tag = "actuator", responses(
    (status = 200, description = "The name, version and revision", body = Info),
))]
async fn info(State(about): State<About>) -> Json<Info> {
    let version = VERSION.unwrap_or(about.version);
    Json(Info { app: App { name: about.name, version, revision: REVISION.unwrap_or("unknown") } })
}

/// All metrics in Prometheus' text format.
#[utoipa::path(get, path = "/actuator/prometheus", tag = "actuator", responses(
    (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
))]
async fn prometheus(State(about): State<About>) -> Response {
    let others = (about.scrape)().await;
    let own = metrics::recorder().map(|recorder| recorder.render()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], own + &others).into_response()
}
