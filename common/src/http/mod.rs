//! The HTTP parts that all four programs share: middleware, error bodies, extractors and the actuator routes.

mod actuator;
mod body;
mod error;
mod extract;
mod json;
mod listener;
mod observe;
mod openapi;
mod server;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{InfoBuilder, License};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use actuator::{About, Scrape};
pub use error::ApiError;
pub use extract::{PathParam, QueryParam};
pub use json::Json;
pub use observe::{count_step, record_saga};
pub use openapi::{BadBody, Unavailable};
pub use server::serve;

use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// The largest request body that is accepted, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// All routes of a program: its own, the actuator, the OpenAPI document and Swagger UI, with the middleware that every
/// request passes through.
pub fn application(api: OpenApiRouter, about: About, lifecycle: &Lifecycle) -> Router {
    let life = lifecycle.clone();
    let starting = server::Starting { life: life.clone(), about_orders: about.about_orders };
    let api = api.layer(from_fn_with_state(about.about_orders, body::refuse_incomplete));
    let api = api.layer(from_fn_with_state(starting, server::refuse_until_started));
    let (routes, mut document) =
        OpenApiRouter::new().merge(api).merge(actuator::routes(about.clone())).split_for_parts();
    document.info = InfoBuilder::new()
        .title(about.name)
        .version(about.version)
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))))
        .build();
    routes
        .merge(SwaggerUi::new("/swagger-ui").url("/v3/api-docs", document).config(swagger_ui()))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(lifecycle.clone(), body::read_body))
        .layer(CatchPanicLayer::custom(error::panic_response))
        .layer(from_fn(observe::observe))
        .layer(from_fn_with_state(life, server::close_old_connections))
}

/// The default validator would load a badge from swagger.io.
fn swagger_ui() -> Config<'static> {
    Config::default().validator_url("none")
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::new(Code::NOT_FOUND, format!("{} does not exist", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(Code::METHOD_NOT_ALLOWED, format!("{} does not support {method}", uri.path()))
}
