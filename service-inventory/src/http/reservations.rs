//! The routes that read reservations.

use axum::extract::State;
use common::contract::Problem;
use common::contract::inventory::Reservation;
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::{Age, UnfinishedSaga};
use common::http::{ApiError, Json, PathParam, QueryParam, Unavailable};
use common::ids::SagaId;
use sqlx::MySqlPool;

use crate::domain::stock;

/// Returns the reservation of a saga.
#[utoipa::path(get, path = "/api/inventory/reservations/{sagaId}", tag = "reservations",
    params(("sagaId" = SagaId, Path, description = "The saga's id. It is also the id of the Temporal workflow")), responses(
    (status = 200, description = "The reservation", body = Reservation),
    (status = 404, description = "NOT_FOUND: the saga has no reservation", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: this is not a saga id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_saga(
    State(pool): State<MySqlPool>,
    PathParam(saga_id): PathParam<SagaId>,
) -> Result<Json<Reservation>, ApiError> {
    Ok(Json(stock::by_saga(&pool, &saga_id).await?))
}

/// Lists the reservations that are neither confirmed nor released, oldest first, at most 1000.
#[utoipa::path(get, path = "/api/inventory/unfinished", tag = "reservations", params(Age), responses(
    (status = 200, description = "The unfinished sagas", body = Vec<UnfinishedSaga>),
    (status = 422, description = "VALIDATION_FAILED: this is not a number", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn unfinished(
    State(pool): State<MySqlPool>,
    QueryParam(age): QueryParam<Age>,
) -> Result<Json<Vec<UnfinishedSaga>>, ApiError> {
    Ok(Json(stock::unfinished(&pool, age.older_than_seconds).await?))
}
