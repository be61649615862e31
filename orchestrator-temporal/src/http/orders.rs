//! The orders API.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::contract::Problem;
use common::contract::order::{OrderProgress, PlaceOrder, StuckOrder};
use common::contract::problem::CONTENT_TYPE;
use common::http::{ApiError, Json, PathParam, record_saga};
use common::ids::SagaId;

use super::saga_id::SagaOfKey;
use crate::orders::{CancelAnswer, Orders, PlaceAnswer};

const BASE: &str = "/api/temporal/orders";

/// Places an order and waits until it ends, for at most 25 s.
///
/// A request with an `Idempotency-Key` can be repeated: the same key and body identify one order and get one answer.
#[utoipa::path(post, path = "/api/temporal/orders", tag = "orders", request_body = PlaceOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 64 characters of A-Za-z0-9_-. The server chooses a key if the header is absent")),
    responses(
    (status = 200, description = "The order is CONFIRMED: it is paid, and its units have left the stock", body = OrderProgress),
    (status = 202, description = "The order has not ended yet. `Location` has its address", body = OrderProgress),
    (status = 400, description = "MALFORMED_JSON, INVALID_IDEMPOTENCY_KEY", body = Problem, content_type = CONTENT_TYPE),
    (status = 402, description = "PAYMENT_DECLINED", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "INSUFFICIENT_STOCK, CANCELLED_BY_CUSTOMER, DEADLINE_EXCEEDED, ORDER_CONFLICT", body = Problem, content_type = CONTENT_TYPE),
    (status = 413, description = "BODY_TOO_LARGE", body = Problem, content_type = CONTENT_TYPE),
    (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED, UNKNOWN_PRODUCT, AMOUNT_MISMATCH, IDEMPOTENCY_KEY_REUSED", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "OVERLOADED, STARTING: nothing was started. TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: the order may have started; repeat the request with this key", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn place(
    State(orders): State<Orders>,
    SagaOfKey(saga): SagaOfKey,
    request: Result<Json<PlaceOrder>, ApiError>,
) -> Result<Response, ApiError> {
    let Json(request) = request.map_err(|error| error.about_order(None))?;
    match orders.place(&saga, request).await.map_err(about(&saga))? {
        PlaceAnswer::Confirmed(progress) => Ok(Json(progress).into_response()),
        PlaceAnswer::Accepted(progress) => Ok(accepted(progress)),
    }
}

/// Places an order and answers without waiting until it ends.
#[utoipa::path(post, path = "/api/temporal/orders/async", tag = "orders", request_body = PlaceOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 64 characters of A-Za-z0-9_-. The server chooses a key if the header is absent")),
    responses(
    (status = 202, description = "The order is accepted. `Location` has its address", body = OrderProgress),
    (status = 400, description = "MALFORMED_JSON, INVALID_IDEMPOTENCY_KEY", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "ORDER_CONFLICT", body = Problem, content_type = CONTENT_TYPE),
    (status = 413, description = "BODY_TOO_LARGE", body = Problem, content_type = CONTENT_TYPE),
    (status = 415, description = "UNSUPPORTED_MEDIA_TYPE", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED, IDEMPOTENCY_KEY_REUSED", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "OVERLOADED, STARTING: nothing was started. TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: the order may have started; repeat the request with this key", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn place_async(
    State(orders): State<Orders>,
    SagaOfKey(saga): SagaOfKey,
    request: Result<Json<PlaceOrder>, ApiError>,
) -> Result<Response, ApiError> {
    let Json(request) = request.map_err(|error| error.about_order(None))?;
    let progress = orders.place_async(&saga, request).await.map_err(about(&saga))?;
    Ok(accepted(progress))
}

/// The progress of an order.
#[utoipa::path(get, path = "/api/temporal/orders/{workflowId}", tag = "orders",
    params(("workflowId" = SagaId, Path, description = "order-<key>")), responses(
    (status = 200, description = "The status, the steps that are being retried, the ids, and the code of a refusal", body = OrderProgress),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: the id is not valid", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE, STARTING", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn follow(
    State(orders): State<Orders>,
    saga: Result<PathParam<SagaId>, ApiError>,
) -> Result<Json<OrderProgress>, ApiError> {
    let PathParam(saga) = saga.map_err(|error| error.about_order(None))?;
    record_saga(&saga);
    orders.follow(&saga).await.map(Json).map_err(about(&saga))
}

/// Stuck orders: a step has been waiting for longer than its threshold, or no worker runs the saga. The sagas keep
/// retrying.
#[utoipa::path(get, path = "/api/temporal/orders/stuck", tag = "orders", responses(
    (status = 200, description = "The stuck steps, the oldest first", body = Vec<StuckOrder>),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, STARTING", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn stuck(State(orders): State<Orders>) -> Result<Json<Vec<StuckOrder>>, ApiError> {
    Ok(Json(orders.list_stuck().await?))
}

/// Cancels an order. A 202 answer is a promise: the order will end CANCELLED, without taking money or stock.
#[utoipa::path(delete, path = "/api/temporal/orders/{workflowId}", tag = "orders",
    params(("workflowId" = SagaId, Path, description = "order-<key>")), responses(
    (status = 200, description = "The order is already CANCELLED", body = OrderProgress),
    (status = 202, description = "The order will end CANCELLED", body = OrderProgress),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 409, description = "ORDER_ALREADY_PAID: the order goes forward. ORDER_CONFLICT: another order's saga still runs under this key; retry", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: the id is not valid", body = Problem, content_type = CONTENT_TYPE),
    (status = 503, description = "TEMPORAL_UNAVAILABLE, SERVICE_UNAVAILABLE: the order may be cancelled; repeat the request. STARTING: nothing has changed", body = Problem, content_type = CONTENT_TYPE),
))]
pub(super) async fn cancel(
    State(orders): State<Orders>,
    saga: Result<PathParam<SagaId>, ApiError>,
) -> Result<Response, ApiError> {
    let PathParam(saga) = saga.map_err(|error| error.about_order(None))?;
    record_saga(&saga);
    match orders.cancel(&saga).await.map_err(about(&saga))? {
        CancelAnswer::AlreadyCancelled(progress) => Ok(Json(progress).into_response()),
        CancelAnswer::WillBeCancelled(progress) => Ok(accepted(progress)),
    }
}

fn accepted(progress: OrderProgress) -> Response {
    let location = format!("{BASE}/{}", progress.workflow_id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(progress)).into_response()
}

fn about<E: Into<ApiError>>(saga: &SagaId) -> impl Fn(E) -> ApiError {
    move |error| error.into().about_order(Some(saga))
}
