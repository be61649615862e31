//! The steps of the saga that happen here.

use axum::extract::State;
use common::contract::order::{OrderRef, OrderStatus};
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::StepDone;
use common::contract::{Problem, SagaOrder, UndoRequest};
use common::http::{ApiError, BadBody, Json, Unavailable, counted, record_saga};
use sqlx::MySqlPool;

use crate::domain::orders;

/// `order.create`: makes the order, PENDING. Repeated, it returns what the first call returned.
#[utoipa::path(post, path = "/api/orders/steps/create", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The order is there", body = OrderRef),
    (status = 409, description = "SAGA_CANCELLED, with the reason", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn create(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<OrderRef>, ApiError> {
    record_saga(&order.saga_id);
    let order_id = counted("order.create", orders::create(&pool, &order).await)?;
    Ok(Json(OrderRef { order_id }))
}

/// `order.confirm`: the order is paid and CONFIRMED.
#[utoipa::path(post, path = "/api/orders/steps/confirm", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The order is CONFIRMED", body = OrderRef),
    (status = 404, description = "NOT_FOUND: the saga has no order", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "SAGA_CANCELLED, with the reason", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn confirm(
    State(pool): State<MySqlPool>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<OrderRef>, ApiError> {
    record_saga(&order.saga_id);
    let order_id = counted("order.confirm", orders::confirm(&pool, &order).await)?;
    Ok(Json(OrderRef { order_id }))
}

/// `order.cancel`: the order is CANCELLED, also one that never was; from then on `order.create` is refused.
#[utoipa::path(post, path = "/api/orders/steps/cancel", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "The order is CANCELLED", body = StepDone),
    (status = 409, description = "ALREADY_CONFIRMED", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn cancel(
    State(pool): State<MySqlPool>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&undo.order.saga_id);
    counted("order.cancel", orders::cancel(&pool, &undo.order, &undo.reason).await)?;
    Ok(Json(StepDone { status: OrderStatus::Cancelled.as_str().to_owned() }))
}
