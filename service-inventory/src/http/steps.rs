//! The steps of the saga that this service runs.

use axum::extract::State;
use common::contract::inventory::StockReserved;
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::StepDone;
use common::contract::{Problem, SagaOrder, UndoRequest};
use common::http::{ApiError, BadBody, Json, Unavailable, count_step, record_saga};
use sqlx::MySqlPool;

use crate::domain::stock;
use crate::model::Status;

/// `stock.reserve`: reserves the units. A repeated call returns what the first call returned, even a refusal.
#[utoipa::path(post, path = "/api/inventory/steps/reserve", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The units are reserved", body = StockReserved),
    (status = 409, description = "INSUFFICIENT_STOCK, or SAGA_CANCELLED: the saga was cancelled before. `reason` says why",
        body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "UNKNOWN_PRODUCT, AMOUNT_MISMATCH, IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong",
        body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn reserve(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<StockReserved>, ApiError> {
    record_saga(&order.saga_id);
    let unit_price = count_step("stock.reserve", stock::reserve(&pool, &order).await)?;
    Ok(Json(StockReserved { unit_price }))
}

/// `stock.confirm`: removes the reserved units from the stock.
#[utoipa::path(post, path = "/api/inventory/steps/confirm", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The reservation is CONFIRMED", body = StepDone),
    (status = 404, description = "NOT_FOUND: the saga has no reservation", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "SAGA_CANCELLED: the saga was cancelled before. `reason` says why", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong",
        body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn confirm(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&order.saga_id);
    count_step("stock.confirm", stock::confirm(&pool, &order).await).map(done)
}

/// `stock.release`: frees the reserved units, if there are any. From then on, `stock.reserve` is refused.
#[utoipa::path(post, path = "/api/inventory/steps/release", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "The reservation is RELEASED", body = StepDone),
    (status = 409, description = "ALREADY_CONFIRMED: the reservation was confirmed before", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong",
        body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn release(
    State(pool): State<MySqlPool>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&undo.order.saga_id);
    count_step("stock.release", stock::release(&pool, &undo.order, &undo.reason).await).map(done)
}

fn done(status: Status) -> Json<StepDone> {
    Json(StepDone { status: status.as_str().to_owned() })
}
