//! Errors as answers, and the only place that logs a 5xx.

use std::any::Any;
use std::error::Error;

use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;

use super::Json;
use crate::contract::{Code, FieldError, Problem, problem};
use crate::ids::SagaId;

/// An answer that is not a success.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after_seconds: Option<u32>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// The code decides the status; the text is for people.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { problem: Box::new(Problem::new(code, detail)), retry_after_seconds: None, source: None }
    }

    /// A wrong field, header or parameter.
    #[must_use]
    pub fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(code, format!("{field}: {message}"));
        error.problem.errors = vec![FieldError { field: field.to_owned(), message }];
        error
    }

    /// A fault of ours or of something we need: the cause is logged, not shown.
    #[must_use]
    pub fn fault(code: Code, detail: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(code, detail) }
    }

    /// With the code of the saga's first refusal.
    #[must_use]
    pub fn because(mut self, reason: Code) -> Self {
        self.problem.reason = Some(reason);
        self
    }

    /// With a hint when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// As an answer about an order: `success: false` and, where it is known, the workflow's id.
    #[must_use]
    pub fn about_order(mut self, workflow_id: Option<&SagaId>) -> Self {
        self.problem.success = Some(false);
        self.problem.workflow_id = workflow_id.cloned();
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.problem.code
    }

    /// The first wrong field, if there is one.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.problem.errors.first().map(|error| error.field.as_str())
    }

    fn log(&self) {
        let mut causes = String::new();
        let mut next = self.source.as_ref().map(|source| source.as_ref() as &dyn Error);
        while let Some(cause) = next {
            causes.push_str(": ");
            causes.push_str(&cause.to_string());
            next = cause.source();
        }
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

/// What a client sees of a panic; the panic's message goes to the log.
pub(super) fn answer_to_panic(panic: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("panic")
        .to_owned();
    ApiError::fault(Code::INTERNAL, "a fault of ours; the log says more", message).into_response()
}
