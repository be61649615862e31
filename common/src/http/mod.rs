//! The HTTP side that all four programs share: one layer stack, one error body, one set of actuator routes.

mod actuator;
mod body;
mod documented;
mod door;
mod error;
mod extract;
mod health;
mod observe;
mod server;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{InfoBuilder, License};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use actuator::{About, Scrape};
pub use documented::{BadBody, Unavailable};
pub use error::ApiError;
pub use extract::{Json, PathParam, QueryParam};
pub use health::{Component, Health};
pub use observe::{counted, record_saga};
pub use server::serve;

use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// The largest request body that is taken, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A program's whole HTTP surface: its own routes, the actuator's, the OpenAPI document and Swagger UI, under the
/// layers that every answer passes.
pub fn application(api: OpenApiRouter, about: About, lifecycle: &Lifecycle) -> Router {
    let life = lifecycle.clone();
    let starting = server::Starting { life: life.clone(), about_orders: about.about_orders };
    let api = api.layer(from_fn_with_state(about.about_orders, body::refuse_broken));
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
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(lifecycle.clone(), body::read_first))
        .layer(CatchPanicLayer::custom(error::answer_to_panic))
        .layer(from_fn(observe::observe))
        .layer(from_fn_with_state(life, server::close_when_due))
}

/// Its default would show a badge that is loaded from swagger.io.
fn swagger_ui() -> Config<'static> {
    Config::default().validator_url("none")
}

async fn nothing_here(uri: Uri) -> ApiError {
    ApiError::new(Code::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(Code::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}
