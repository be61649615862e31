//! The routes that read payments.

use axum::extract::State;
use common::contract::Problem;
use common::contract::payment::Payment;
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::{Age, UnfinishedSaga};
use common::http::{ApiError, Json, PathParam, QueryParam, Unavailable};
use common::ids::{PaymentId, SagaId};

use crate::domain::Payments;

/// Returns one payment.
#[utoipa::path(get, path = "/api/payments/{paymentId}", tag = "payments",
    params(("paymentId" = PaymentId, Path, description = "The id of the payment")), responses(
    (status = 200, description = "The payment", body = Payment),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not a payment id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_id(
    State(payments): State<Payments>,
    PathParam(id): PathParam<PaymentId>,
) -> Result<Json<Payment>, ApiError> {
    Ok(Json(payments.by_id(id).await?))
}

/// Returns the payment of a saga.
#[utoipa::path(get, path = "/api/payments/by-saga/{sagaId}", tag = "payments",
    params(("sagaId" = SagaId, Path, description = "The saga's id, which is also the id of the Temporal workflow")), responses(
    (status = 200, description = "The payment", body = Payment),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not a saga id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_saga(
    State(payments): State<Payments>,
    PathParam(saga_id): PathParam<SagaId>,
) -> Result<Json<Payment>, ApiError> {
    Ok(Json(payments.by_saga(&saga_id).await?))
}

/// Lists the unfinished payments, oldest first, at most 1000.
///
/// A payment is unfinished while it is not decided, or while it is cancelled but not voided yet.
#[utoipa::path(get, path = "/api/payments/unfinished", tag = "payments", params(Age), responses(
    (status = 200, description = "The sagas of these payments", body = Vec<UnfinishedSaga>),
    (status = 422, description = "VALIDATION_FAILED: the age is not a number", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn unfinished(
    State(payments): State<Payments>,
    QueryParam(age): QueryParam<Age>,
) -> Result<Json<Vec<UnfinishedSaga>>, ApiError> {
    Ok(Json(payments.unfinished(age.older_than_seconds).await?))
}
