//! The route table.

mod error;
mod orders;
mod saga_id;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::orders::Orders;

pub(crate) fn routes(orders: Orders) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(orders::place))
        .routes(routes!(orders::place_async))
        .routes(routes!(orders::stuck))
        .routes(routes!(orders::follow, orders::cancel))
        .with_state(orders)
}
