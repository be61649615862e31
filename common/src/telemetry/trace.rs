//! The trace context that every call between the programs carries: W3C `traceparent` and `X-Request-ID`.
//!
//! The context belongs to the task: [`TraceContext::scope`] sets it, and [`TraceContext::current`] returns it.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `traceparent` (<https://www.w3.org/TR/trace-context/>).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: TraceContext;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceContext {
    pub trace_id: String,
    /// The span id, 16 hex digits. Each program makes a new one.
    pub span_id: String,
    /// The trace flags of the caller, 2 hex digits.
    pub flags: String,
    pub request_id: String,
}

impl TraceContext {
    /// A new context, for work that no request caused.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            trace_id: hex_of_random(32),
            span_id: hex_of_random(16),
            flags: "00".to_owned(),
            request_id: Uuid::now_v7().to_string(),
        }
    }

    /// The caller's context with a new span id. Absent or malformed headers are replaced by new ids.
    #[must_use]
    pub fn of_request(headers: &HeaderMap) -> Self {
        let mut context = Self::fresh();
        if let Some((trace_id, flags)) = headers.get(TRACEPARENT).and_then(|v| v.to_str().ok()).and_then(parse) {
            context.trace_id = trace_id;
            context.flags = flags;
        }
        if let Some(id) = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| acceptable(id)) {
            id.clone_into(&mut context.request_id);
        }
        context
    }

    /// The context of the running task, or a new one.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::fresh())
    }

    /// Runs a future with this context. A spawned task does not inherit it.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    #[must_use]
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let traceparent = format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags);
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
        [(TRACEPARENT, value(&traceparent)), (REQUEST_ID, value(&self.request_id))]
    }
}

fn hex_of_random(digits: usize) -> String {
    let mut hex = Uuid::new_v4().simple().to_string();
    hex.truncate(digits);
    hex
}

fn acceptable(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.:".contains(&c))
}

fn parse(traceparent: &str) -> Option<(String, String)> {
    let hex = |part: &str, len: usize| part.len() == len && part.bytes().all(|c| b"0123456789abcdef".contains(&c));
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let zero = |part: &str| part.bytes().all(|c| c == b'0');
    let valid = hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hex(trace, 32)
        && !zero(trace)
        && hex(span, 16)
        && !zero(span)
        && hex(flags, 2);
    valid.then(|| (trace.to_owned(), flags.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(traceparent: &str, request_id: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(TRACEPARENT, HeaderValue::from_str(traceparent).expect("header"));
        map.insert(REQUEST_ID, HeaderValue::from_str(request_id).expect("header"));
        map
    }

    #[test]
    fn the_callers_trace_goes_on_with_a_new_span() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let context = TraceContext::of_request(&headers(&format!("00-{trace}-b7ad6b7169203331-01"), "req-1"));
        assert_eq!((context.trace_id.as_str(), context.request_id.as_str()), (trace, "req-1"));
        assert_ne!(context.span_id, "b7ad6b7169203331");
        let next = TraceContext::of_request(&context.headers().into_iter().collect());
        assert_eq!(next.trace_id, trace);
    }

    #[test]
    fn a_malformed_context_is_replaced() {
        for bad in ["", "00-0-0-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "ff-x"] {
            let context = TraceContext::of_request(&headers(bad, "bad id with spaces"));
            assert_eq!(context.trace_id.len(), 32, "{bad}");
            assert!(!context.request_id.contains(' '));
        }
    }
}
