//! The routes of the saga's steps.

use axum::extract::State;
use common::contract::payment::{CancelDecision, Paid};
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::StepDone;
use common::contract::{Problem, SagaOrder, UndoRequest};
use common::http::{ApiError, BadBody, Json, Unavailable, count_step, record_saga};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::domain::Payments;

/// `payment.pay`, the pivot: takes the money once.
///
/// The call finishes even when its client disconnects.
#[utoipa::path(post, path = "/api/payments/steps/pay", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "The order is paid", body = Paid),
    (status = 402, description = "PAYMENT_DECLINED", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "SAGA_CANCELLED, with the reason; IN_PROGRESS: retry", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED; VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "GATEWAY_UNAVAILABLE, GATEWAY_BUSY, DATABASE_UNAVAILABLE, STARTING: retry", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
))]
pub(super) async fn pay(
    State(payments): State<Payments>,
    State(detached): State<TaskTracker>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<Paid>, ApiError> {
    record_saga(&order.saga_id);
    let result = run_detached(&detached, async move { payments.pay(&order).await }).await?;
    Ok(Json(Paid { payment_id: count_step("payment.pay", result)? }))
}

/// Finishes the call even when its client disconnects. So the gateway's answer is recorded and the permit becomes free.
async fn run_detached<T: Send + 'static>(
    detached: &TaskTracker,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = detached.spawn(call.in_current_span()).await;
    done.map_err(ApiError::internal)
}

/// `payment.cancel`, the decision: from now on this saga is never paid, unless it was paid before.
#[utoipa::path(post, path = "/api/payments/steps/cancel", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "Decided: the saga is cancelled, with the first reason", body = CancelDecision),
    (status = 409, description = "ORDER_ALREADY_PAID: decided, and the saga goes forward", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED; VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn cancel(
    State(payments): State<Payments>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<CancelDecision>, ApiError> {
    record_saga(&undo.order.saga_id);
    count_step("payment.cancel", payments.cancel(&undo.order, &undo.reason).await).map(Json)
}

/// `payment.void`: voids the payment after the decision to cancel.
///
/// The gateway refunds what it took, and takes nothing more.
#[utoipa::path(post, path = "/api/payments/steps/void", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "The payment is voided: no money is kept", body = StepDone),
    (status = 404, description = "NOT_FOUND: the saga has no payment", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "ORDER_ALREADY_PAID; IN_PROGRESS: no cancel is decided", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED; VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "GATEWAY_UNAVAILABLE, GATEWAY_BUSY, DATABASE_UNAVAILABLE, STARTING: retry", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
))]
pub(super) async fn void(
    State(payments): State<Payments>,
    State(detached): State<TaskTracker>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&undo.order.saga_id);
    let result = run_detached(&detached, async move { payments.void(&undo.order).await }).await?;
    let status = count_step("payment.void", result)?;
    Ok(Json(StepDone { status: status.as_str().to_owned() }))
}
