//! Request bodies. They are read to the end before the request is answered.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::server::LAST_REQUESTS;
use super::{ApiError, BODY_LIMIT};
use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// This many bytes of a body that is too large are read and discarded. A client that sends more does not get an answer.
const READ_LIMIT: usize = 8 << 20;
const READ_TIME: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy)]
pub(super) enum BodyError {
    TooLarge,
    Incomplete,
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => {
                Self::field(Code::BODY_TOO_LARGE, "body", format!("must be at most {BODY_LIMIT} bytes"))
            }
            BodyError::Incomplete => {
                Self::field(Code::MALFORMED_JSON, "body", "is incomplete, or did not arrive in time")
            }
        }
    }
}

/// Reads the body before the handler runs, even if no handler needs it. If a server answers and closes while the client
/// is still writing, the connection is reset, and the client never sees the answer (RFC 9112, section 9.6).
pub(super) async fn read_body(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let announced = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
    let (mut parts, body) = request.into_parts();
    let body = if announced > BODY_LIMIT && parts.headers.contains_key(EXPECT) {
        // This client waits for `100 Continue` before it sends the body.
        Err(BodyError::TooLarge)
    } else {
        read(body.into_data_stream(), &life).await
    };
    let body = body.unwrap_or_else(|error| {
        parts.extensions.insert(error);
        Body::empty()
    });
    next.run(Request::from_parts(parts, body)).await
}

/// Refuses an incomplete request, even if its handler needs no body.
pub(super) async fn refuse_incomplete(State(about_orders): State<bool>, request: Request, next: Next) -> Response {
    match request.extensions().get() {
        Some(incomplete @ BodyError::Incomplete) => {
            let error = ApiError::from(*incomplete);
            if about_orders { error.about_order(None) } else { error }.into_response()
        }
        _ => next.run(request).await,
    }
}

async fn read(mut stream: BodyDataStream, life: &Lifecycle) -> Result<Body, BodyError> {
    let (mut bytes, mut size, mut broken) = (Vec::new(), 0, false);
    let reading = async {
        while size <= READ_LIMIT
            && let Some(chunk) = stream.next().await
        {
            let Ok(chunk) = chunk else { return broken = true };
            size += chunk.len();
            if size <= BODY_LIMIT {
                bytes.extend_from_slice(&chunk);
            }
        }
    };
    let in_time = tokio::select! {
        () = reading => true,
        () = time_is_up(life) => false,
    };
    match (size > BODY_LIMIT, in_time && !broken) {
        (true, _) => Err(BodyError::TooLarge),
        (false, false) => Err(BodyError::Incomplete),
        (false, true) => Ok(Body::from(bytes)),
    }
}

/// A draining process needs its remaining time for complete requests, so it waits for bodies for a shorter time.
async fn time_is_up(life: &Lifecycle) {
    let draining = async {
        life.stopped_accepting().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        () = tokio::time::sleep(READ_TIME) => {}
        () = draining => {}
    }
}
