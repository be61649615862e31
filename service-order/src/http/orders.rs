//! The routes that read orders.

use axum::extract::State;
use common::contract::Problem;
use common::contract::order::Order;
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::{Age, UnfinishedSaga};
use common::http::{ApiError, Json, PathParam, QueryParam, Unavailable};
use common::ids::{OrderId, SagaId};
use sqlx::MySqlPool;

use crate::domain::orders;

/// Returns one order.
#[utoipa::path(get, path = "/api/orders/{orderId}", tag = "orders",
    params(("orderId" = OrderId, Path, description = "The order's id")), responses(
    (status = 200, description = "The order", body = Order),
    (status = 404, description = "NOT_FOUND: the order does not exist", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: this is not an id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_id(
    State(pool): State<MySqlPool>,
    PathParam(id): PathParam<OrderId>,
) -> Result<Json<Order>, ApiError> {
    Ok(Json(orders::by_id(&pool, id).await?))
}

/// Returns the order of a saga.
#[utoipa::path(get, path = "/api/orders/by-saga/{sagaId}", tag = "orders",
    params(("sagaId" = SagaId, Path, description = "The saga's id. It is also the id of the Temporal workflow")), responses(
    (status = 200, description = "The order", body = Order),
    (status = 404, description = "NOT_FOUND: the order does not exist", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: this is not a saga id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_saga(
    State(pool): State<MySqlPool>,
    PathParam(saga_id): PathParam<SagaId>,
) -> Result<Json<Order>, ApiError> {
    Ok(Json(orders::by_saga(&pool, &saga_id).await?))
}

/// Lists the orders that are neither confirmed nor cancelled, oldest first, at most 1000.
#[utoipa::path(get, path = "/api/orders/unfinished", tag = "orders", params(Age), responses(
    (status = 200, description = "The unfinished sagas", body = Vec<UnfinishedSaga>),
    (status = 422, description = "VALIDATION_FAILED: this is not a number", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn unfinished(
    State(pool): State<MySqlPool>,
    QueryParam(age): QueryParam<Age>,
) -> Result<Json<Vec<UnfinishedSaga>>, ApiError> {
    Ok(Json(orders::unfinished(&pool, age.older_than_seconds).await?))
}
