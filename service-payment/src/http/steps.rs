//! The steps of the saga that happen here.

use axum::extract::State;
use common::contract::payment::{CancelDecided, Paid};
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::StepDone;
use common::contract::{Code, Problem, SagaOrder, UndoRequest};
use common::http::{ApiError, BadBody, Json, Unavailable, counted, record_saga};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::domain::Payments;

/// `payment.pay`, the pivot: takes the money, once. Goes on to its end even if the caller goes away.
#[utoipa::path(post, path = "/api/payments/steps/pay", tag = "steps", request_body = SagaOrder, responses(
    (status = 200, description = "Paid", body = Paid),
    (status = 402, description = "PAYMENT_DECLINED", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "SAGA_CANCELLED, with the reason, or IN_PROGRESS: try again", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "GATEWAY_UNAVAILABLE, GATEWAY_BUSY, DATABASE_UNAVAILABLE, STARTING: try again", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
))]
pub(super) async fn pay(
    State(payments): State<Payments>,
    State(calls): State<TaskTracker>,
    Json(order): Json<SagaOrder>,
) -> Result<Json<Paid>, ApiError> {
    record_saga(&order.saga_id);
    let result = to_its_end(&calls, async move { payments.pay(&order).await }).await?;
    Ok(Json(Paid { payment_id: counted("payment.pay", result)? }))
}

/// A call of the gateway goes on if its caller goes away: what the gateway says is written down, and its permit given back.
async fn to_its_end<T: Send + 'static>(
    calls: &TaskTracker,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = calls.spawn(call.in_current_span()).await;
    done.map_err(|error| ApiError::fault(Code::INTERNAL, "a fault of ours; the log says more", error))
}

/// `payment.cancel`, the decision: from now on this saga is never paid, unless it was paid before.
#[utoipa::path(post, path = "/api/payments/steps/cancel", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "Decided: the saga is cancelled, for the reason given", body = CancelDecided),
    (status = 409, description = "ALREADY_PAID: decided, the saga goes forward", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn cancel(
    State(payments): State<Payments>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<CancelDecided>, ApiError> {
    record_saga(&undo.order.saga_id);
    counted("payment.cancel", payments.cancel(&undo.order, &undo.reason).await).map(Json)
}

/// `payment.settle`: after a decided cancel, the gateway gives back what it took and takes nothing more.
#[utoipa::path(post, path = "/api/payments/steps/settle", tag = "steps", request_body = UndoRequest, responses(
    (status = 200, description = "Settled: no money is kept", body = StepDone),
    (status = 404, description = "NOT_FOUND: the saga has no payment", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "ALREADY_PAID, or IN_PROGRESS: no cancel was decided", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "IDEMPOTENCY_KEY_REUSED, or VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "GATEWAY_UNAVAILABLE, GATEWAY_BUSY, DATABASE_UNAVAILABLE, STARTING: try again", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
))]
pub(super) async fn settle(
    State(payments): State<Payments>,
    State(calls): State<TaskTracker>,
    Json(undo): Json<UndoRequest>,
) -> Result<Json<StepDone>, ApiError> {
    record_saga(&undo.order.saga_id);
    let result = to_its_end(&calls, async move { payments.settle(&undo.order).await }).await?;
    let status = counted("payment.settle", result)?;
    Ok(Json(StepDone { status: status.as_str().to_owned() }))
}
