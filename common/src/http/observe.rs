//! One span, one log line and one measurement per request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span, field};

use super::ApiError;
use crate::ids::SagaId;
use crate::telemetry::trace::{REQUEST_ID, TraceContext};

/// Adds the saga's id to the request's span, so that every log line of the request has it.
pub fn record_saga(saga_id: &SagaId) {
    Span::current().record("saga_id", saga_id.as_str());
}

/// Counts a request for a step by its outcome, and converts the step's error into an answer.
pub fn count_step<T>(step: &'static str, result: Result<T, impl Into<ApiError>>) -> Result<T, ApiError> {
    let result = result.map_err(Into::into);
    let outcome = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "done");
    metrics::counter!("saga_step_requests_total", "step" => step, "outcome" => outcome.to_owned()).increment(1);
    result
}

pub(super) async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let context = TraceContext::of_request(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("UNKNOWN", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        %method,
        route,
        request_id = context.request_id,
        trace_id = context.trace_id,
        span_id = context.span_id,
        saga_id = field::Empty,
    );
    let [_, (_, request_id)] = context.headers();
    let mut response = context.scope(next.run(request)).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let seconds = begun.elapsed().as_secs_f64();
    if !route.starts_with("/actuator") {
        span.in_scope(|| tracing::info!(status, duration_ms = seconds * 1000.0, "{method} {route} {status}"));
    }
    metrics::histogram!(
        "http_server_requests_seconds",
        "method" => method.to_string(), "uri" => route, "status" => status.to_string()
    )
    .record(seconds);
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}
