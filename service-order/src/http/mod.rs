//! The route table.

mod error;
mod orders;
mod steps;

use sqlx::MySqlPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes(pool: MySqlPool) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(steps::create))
        .routes(routes!(steps::confirm))
        .routes(routes!(steps::cancel))
        .routes(routes!(orders::by_id))
        .routes(routes!(orders::by_saga))
        .routes(routes!(orders::unfinished))
        .with_state(pool)
}
