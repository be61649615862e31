//! Error answers. This is the only place that logs a 5xx.

use std::any::Any;
use std::error::Error;

use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;

use super::json::Json;
use crate::contract::{Code, FieldError, Problem, problem};
use crate::database::is_unavailable;
use crate::ids::SagaId;
use crate::telemetry::error_chain;

const INTERNAL: &str = "internal error; the log has the details";

#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after_seconds: Option<u32>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// An error with this code, which also determines the HTTP status, and with a human-readable text.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { problem: Box::new(Problem::new(code, detail)), retry_after_seconds: None, source: None }
    }

    #[must_use]
    pub fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(code, format!("{field}: {message}"));
        error.problem.errors = vec![FieldError { field: field.to_owned(), message }];
        error
    }

    /// A server error. Its cause is logged, not shown.
    #[must_use]
    pub fn server(code: Code, detail: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(code, detail) }
    }

    /// An internal error (500). Its cause is logged, not shown.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::server(Code::INTERNAL, INTERNAL, source)
    }

    /// A database error: 503 if the database is unavailable or overloaded, otherwise 500.
    #[must_use]
    pub fn database(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            Self::server(Code::DATABASE_UNAVAILABLE, "the database did not answer; retry", error).retry_after(1)
        } else {
            Self::internal(error)
        }
    }

    #[must_use]
    pub fn with_reason(mut self, reason: Code) -> Self {
        self.problem.reason = Some(reason);
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Turns this error into an answer about an order: `success: false` and, if known, the workflow's id.
    #[must_use]
    pub fn about_order(mut self, workflow_id: Option<&SagaId>) -> Self {
        self.problem.success = Some(false);
        self.problem.workflow_id = workflow_id.cloned();
        self
    }

    #[must_use]
    pub fn code(&self) -> &Code {
        &self.problem.code
    }

    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.problem.errors.first().map(|error| error.field.as_str())
    }

    fn log(&self) {
        let causes =
            self.source.as_ref().map(|source| format!(": {}", error_chain(source.as_ref()))).unwrap_or_default();
        if self.problem.code == Code::INTERNAL {
            tracing::error!(code = %self.problem.code, "{}{causes}", self.problem.detail);
        } else {
            tracing::warn!(code = %self.problem.code, "{}{causes}", self.problem.detail);
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            self.log();
        }
        let mut problem = *self.problem;
        status.canonical_reason().unwrap_or_default().clone_into(&mut problem.title);
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The answer after a panic. The panic's message is logged, not shown.
pub(super) fn panic_response(panic: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("panic")
        .to_owned();
    ApiError::internal(message).into_response()
}
