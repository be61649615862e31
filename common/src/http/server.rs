//! Listening, and ending without a client seeing it.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::ApiError;
use super::door::Door;
use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// How long requests that run may still take once no new connection is taken.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// Once no new connection is taken, those that are there have this long to send their request: a connection without
/// one is closed then.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Serves until the process drains; requests that run are finished.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(address: SocketAddr, routes: Router, lifecycle: &Lifecycle) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        std::io::Error::new(error.kind(), format!("port {} cannot be used: {error}", address.port()))
    })?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let (door, closed) = Door::new(listener, lifecycle.clone());
    let listener = door.tap_io(|stream| {
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
        closed.await;
        tokio::time::sleep(LAST_REQUESTS).await;
    });
    let limit = async {
        lifecycle.stopped_accepting().await;
        tokio::time::sleep(FINISH_LIMIT).await;
    };
    tokio::select! {
        result = server.into_future() => result,
        () = limit => {
            tracing::warn!("requests were still running when the time to finish them was over");
            Ok(())
        }
    }
}

/// While the process drains, each answer asks its client to connect anew, elsewhere.
pub(super) async fn close_while_draining(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if life.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Until the process has started for good (database migrated, worker polling) its own routes answer 503.
pub(super) async fn refuse_until_started(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    if life.has_started() {
        next.run(request).await
    } else {
        ApiError::new(Code::STARTING, "this process is still starting; try again").retry_after(1).into_response()
    }
}
