//! Request bodies, read to their end before anything is answered.

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

/// So much of a body that is too large is read and thrown away, in bytes: more is no mistake of a client's.
const READ_LIMIT: usize = 8 << 20;
/// A body is there, whole, within this.
const READ_TIME: Duration = Duration::from_secs(8);

/// Why a request is there without its body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    TooLarge,
    BrokenOff,
}

impl From<Unread> for ApiError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => {
                Self::field(Code::BODY_TOO_LARGE, "body", format!("must be at most {BODY_LIMIT} bytes"))
            }
            Unread::BrokenOff => Self::field(Code::MALFORMED_JSON, "body", "broke off, or did not come whole in time"),
        }
    }
}

/// Reads the body before the request goes further, also where nobody wants it. A server that answers and closes while
/// its client still writes resets the connection, and the client never sees the answer (RFC 9112, section 9.6).
pub(super) async fn read_first(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let announced = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
    let (mut parts, body) = request.into_parts();
    let body = if announced > BODY_LIMIT && parts.headers.contains_key(EXPECT) {
        // This client sends nothing before it is asked to.
        Err(Unread::TooLarge)
    } else {
        read(body.into_data_stream(), &life).await
    };
    let body = body.unwrap_or_else(|unread| {
        parts.extensions.insert(unread);
        Body::empty()
    });
    next.run(Request::from_parts(parts, body)).await
}

/// A request that never came whole is not carried out, whether its body is of interest or not.
pub(super) async fn refuse_broken(State(about_orders): State<bool>, request: Request, next: Next) -> Response {
    match request.extensions().get() {
        Some(unread @ Unread::BrokenOff) => {
            let error = ApiError::from(*unread);
            if about_orders { error.about_order(None) } else { error }.into_response()
        }
        _ => next.run(request).await,
    }
}

async fn read(mut stream: BodyDataStream, life: &Lifecycle) -> Result<Body, Unread> {
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
        () = too_long(life) => false,
    };
    match (size > BODY_LIMIT, in_time && !broken) {
        (true, _) => Err(Unread::TooLarge),
        (false, false) => Err(Unread::BrokenOff),
        (false, true) => Ok(Body::from(bytes)),
    }
}

/// A process that stops leaves its time to what is done with requests, not to their coming.
async fn too_long(life: &Lifecycle) {
    let stops = async {
        life.stopped_accepting().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        () = tokio::time::sleep(READ_TIME) => {}
        () = stops => {}
    }
}
