//! The orders API.

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::contract::Problem;
use common::contract::order::{OrderProgress, PlaceOrder, StuckOrder};
use common::contract::problem::CONTENT_TYPE;
use common::http::{ApiError, Json, PathParam, record_saga};
use common::ids::SagaId;
use common::telemetry::trace::TraceContext;

use super::key::Key;
use crate::orders::{Cancelled, Orders, Placed};

/// Where the orders API is.
const BASE: &str = "/api/temporal/orders";

/// Places an order and waits for its end, 25 s at the most.
///
/// With an `Idempotency-Key` (8 to 64 of `A-Za-z0-9_-`) the same request may be repeated: it is one order, and the
/// answer is the same.
#[utoipa::path(post, path = "/api/temporal/orders", tag = "orders", request_body = PlaceOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 64 of A-Za-z0-9_-; chosen for you if absent")),
    responses(
    (status = 200, description = "CONFIRMED: paid, and the stock is yours", body = OrderProgress),
    (status = 202, description = "Not done yet; `Location` says where to look", body = OrderProgress),
    (status = 400, description = "MALFORMED_JSON, INVALID_IDEMPOTENCY_KEY", body = Problem, content_type = CONTENT_TYPE),
    (status = 402, description = "PAYMENT_DECLINED", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "INSUFFICIENT_STOCK, CANCELLED_BY_CUSTOMER, DEADLINE_EXCEEDED", body = Problem, content_type = CONTENT_TYPE),
    (status = 413, description = "BODY_TOO_LARGE", body = Problem, content_type = CONTENT_TYPE),
    (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED, UNKNOWN_PRODUCT, AMOUNT_MISMATCH, IDEMPOTENCY_KEY_REUSED", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "OVERLOADED, STARTING: this request started nothing; TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: it may have been, repeat with this key", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn place(
    State(orders): State<Orders>,
    Key(key): Key,
    Extension(trace): Extension<TraceContext>,
    request: Result<Json<PlaceOrder>, ApiError>,
) -> Result<Response, ApiError> {
    let saga = SagaId::of(&key);
    record_saga(&saga);
    let Json(request) = request.map_err(|error| error.about_order(None))?;
    match orders.place(&key, request, trace).await.map_err(about(&saga))? {
        Placed::Confirmed(progress) => Ok(Json(progress).into_response()),
        Placed::Accepted(progress) => Ok(accepted(progress)),
    }
}

/// Places an order and answers at once.
#[utoipa::path(post, path = "/api/temporal/orders/async", tag = "orders", request_body = PlaceOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 64 of A-Za-z0-9_-; chosen for you if absent")),
    responses(
    (status = 202, description = "Taken; `Location` says where to look", body = OrderProgress),
    (status = 400, description = "MALFORMED_JSON, INVALID_IDEMPOTENCY_KEY", body = Problem, content_type = CONTENT_TYPE),
    (status = 413, description = "BODY_TOO_LARGE", body = Problem, content_type = CONTENT_TYPE),
    (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED, IDEMPOTENCY_KEY_REUSED", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "OVERLOADED, STARTING: this request started nothing; TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: it may have been, repeat with this key", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn place_async(
    State(orders): State<Orders>,
    Key(key): Key,
    Extension(trace): Extension<TraceContext>,
    request: Result<Json<PlaceOrder>, ApiError>,
) -> Result<Response, ApiError> {
    let saga = SagaId::of(&key);
    record_saga(&saga);
    let Json(request) = request.map_err(|error| error.about_order(None))?;
    let progress = orders.place_async(&key, request, trace).await.map_err(about(&saga))?;
    Ok(accepted(progress))
}

/// Where an order stands.
#[utoipa::path(get, path = "/api/temporal/orders/{workflowId}", tag = "orders",
    params(("workflowId" = SagaId, Path, description = "order-<key>")), responses(
    (status = 200, description = "Status, the steps that are being tried, ids, and the code of a refusal", body = OrderProgress),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not a workflow id", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE, STARTING", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn follow(
    State(orders): State<Orders>,
    Extension(trace): Extension<TraceContext>,
    saga: Result<PathParam<SagaId>, ApiError>,
) -> Result<Json<OrderProgress>, ApiError> {
    let PathParam(saga) = saga.map_err(|error| error.about_order(None))?;
    record_saga(&saga);
    orders.follow(&saga, &trace).await.map(Json).map_err(about(&saga))
}

/// Orders that need a person: an undo or a confirm of theirs has not been done for long, or nobody ends them at their
/// deadline. They go on by themselves.
#[utoipa::path(get, path = "/api/temporal/orders/stuck", tag = "orders", responses(
    (status = 200, description = "The stuck orders, a line a step", body = Vec<StuckOrder>),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, STARTING", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn stuck(State(orders): State<Orders>) -> Result<Json<Vec<StuckOrder>>, ApiError> {
    Ok(Json(orders.stuck().await?))
}

/// Cancels an order. 202 is a promise: the order ends CANCELLED, and everything goes back.
#[utoipa::path(delete, path = "/api/temporal/orders/{workflowId}", tag = "orders",
    params(("workflowId" = SagaId, Path, description = "order-<key>")), responses(
    (status = 200, description = "The order was CANCELLED before", body = OrderProgress),
    (status = 202, description = "It is decided that the order ends CANCELLED", body = OrderProgress),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "ORDER_ALREADY_PAID: the order goes forward", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not a workflow id", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: it may be decided, repeat; STARTING: nothing is decided", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn cancel(
    State(orders): State<Orders>,
    Extension(trace): Extension<TraceContext>,
    saga: Result<PathParam<SagaId>, ApiError>,
) -> Result<Response, ApiError> {
    let PathParam(saga) = saga.map_err(|error| error.about_order(None))?;
    record_saga(&saga);
    match orders.cancel(&saga, &trace).await.map_err(about(&saga))? {
        Cancelled::Already(progress) => Ok(Json(progress).into_response()),
        Cancelled::Decided(progress) => Ok(accepted(progress)),
    }
}

fn accepted(progress: OrderProgress) -> Response {
    let location = format!("{BASE}/{}", progress.workflow_id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(progress)).into_response()
}

fn about<E: Into<ApiError>>(saga: &SagaId) -> impl Fn(E) -> ApiError {
    move |error| error.into().about_order(Some(saga))
}
