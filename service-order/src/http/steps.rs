//! The steps of the saga that this service runs.

use axum::extract::State;
use common::contract::order::{OrderRef, OrderStatus};
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::StepDone;
use common::contract::{Problem, SagaOrder, UndoRequest};
use common::http::{ApiError, BadBody, Json, Unavailable, count_step, record_saga};
use sqlx::MySqlPool;

use crate::domain::orders;

/// `order.create`: creates the order with the status PENDING. A repeated call returns what the first call returned.
#[utoipa::path(post, path = "/api/orders/steps/create", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The order exists", body = OrderRef),
    (status = 409, description = "SAGA_CANCELLED: the saga was cancelled before. `reason` says why", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn create(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<OrderRef>, ApiError> {
    record_saga(&order.saga_id);
    let order_id = count_step("order.create", orders::create(&pool, &order).await)?;
    Ok(Json(OrderRef { order_id }))
}

/// `order.confirm`: sets the order to CONFIRMED.
#[utoipa::path(post, path = "/api/orders/steps/confirm", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The order is CONFIRMED", body = OrderRef),
    (status = 404, description = "NOT_FOUND: the saga has no order", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "SAGA_CANCELLED: the saga was cancelled before. `reason` says why", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn confirm(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<OrderRef>, ApiError> {
    record_saga(&order.saga_id);
    let order_id = count_step("order.confirm", orders::confirm(&pool, &order).await)?;
    Ok(Json(OrderRef { order_id }))
}

/// `order.cancel`: sets the order to CANCELLED. If the order was never created, the row becomes a tombstone. From then
/// on, `order.create` is refused.
#[utoipa::path(post, path = "/api/orders/steps/cancel", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "The order is CANCELLED", body = StepDone),
    (status = 409, description = "ALREADY_CONFIRMED: the order was confirmed before", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn cancel(
    State(pool): State<MySqlPool>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&undo.order.saga_id);
    count_step("order.cancel", orders::cancel(&pool, &undo.order, &undo.reason).await)?;
    Ok(Json(StepDone { status: OrderStatus::Cancelled.as_str().to_owned() }))
}
