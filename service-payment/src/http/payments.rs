//! Payments to read.

use axum::extract::State;
use common::contract::Problem;
use common::contract::payment::Payment;
use common::contract::problem::CONTENT_TYPE;
use common::contract::saga::{Age, UnfinishedSaga};
use common::http::{ApiError, Json, PathParam, QueryParam, Unavailable};
use common::ids::{PaymentId, SagaId};

use crate::domain::Payments;

/// One payment.
#[utoipa::path(get, path = "/api/payments/{paymentId}", tag = "payments",
    params(("paymentId" = PaymentId, Path, description = "The payment's id")), responses(
    (status = 200, description = "The payment", body = Payment),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not an id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_id(
    State(payments): State<Payments>,
    PathParam(id): PathParam<PaymentId>,
) -> Result<Json<Payment>, ApiError> {
    Ok(Json(payments.by_id(id).await?))
}

/// The payment of a saga.
#[utoipa::path(get, path = "/api/payments/by-saga/{sagaId}", tag = "payments",
    params(("sagaId" = SagaId, Path, description = "The saga's id, which is the workflow's too")), responses(
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

/// Payments that are undecided, or decided and not yet settled, oldest first, at most 1000.
#[utoipa::path(get, path = "/api/payments/unfinished", tag = "payments", params(Age), responses(
    (status = 200, description = "The unfinished sagas", body = Vec<UnfinishedSaga>),
    (status = 422, description = "VALIDATION_FAILED: not a number", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn unfinished(
    State(payments): State<Payments>,
    QueryParam(age): QueryParam<Age>,
) -> Result<Json<Vec<UnfinishedSaga>>, ApiError> {
    Ok(Json(payments.unfinished(age.older_than_seconds).await?))
}
