//! Request bodies, read to their end before anything is answered.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;

use super::BODY_LIMIT;

/// So much of a body that is too large is read and thrown away, in bytes: more is no mistake of a client's.
const DISCARD_LIMIT: usize = 8 << 20;
/// And for so long: less than a process that drains leaves to the requests that run.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Why a request is there without its body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    TooLarge,
    BrokenOff,
}

/// Reads the body before the request goes further, also where nobody wants it. A server that answers and closes while
/// its client still writes resets the connection, and the client never sees the answer (RFC 9112, section 9.6).
pub(super) async fn read_first(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let body = read(body.into_data_stream()).await.unwrap_or_else(|unread| {
        parts.extensions.insert(unread);
        Body::empty()
    });
    next.run(Request::from_parts(parts, body)).await
}

async fn read(mut stream: BodyDataStream) -> Result<Body, Unread> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Unread::BrokenOff)?;
        if bytes.len() + chunk.len() > BODY_LIMIT {
            let _ = tokio::time::timeout(DISCARD_TIME, discard(stream)).await;
            return Err(Unread::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body::from(bytes))
}

async fn discard(mut stream: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        discarded += chunk.len();
        if discarded > DISCARD_LIMIT {
            return;
        }
    }
}
