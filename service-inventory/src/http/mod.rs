//! The route table.

mod error;
mod products;
mod reservations;
mod steps;

use sqlx::MySqlPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes(pool: MySqlPool) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(steps::reserve))
        .routes(routes!(steps::confirm))
        .routes(routes!(steps::release))
        .routes(routes!(products::list, products::create))
        .routes(routes!(products::by_id))
        .routes(routes!(products::add_stock))
        .routes(routes!(reservations::by_saga))
        .routes(routes!(reservations::unfinished))
        .with_state(pool)
}
