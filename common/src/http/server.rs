//! The HTTP server. When it drains, no client gets an error.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::TcpListener;

use super::ApiError;
use super::listener::DrainingListener;
use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// Running requests have this long to finish after the process has stopped accepting connections.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// Open connections have this long to send a request after the process has stopped accepting connections. After that,
/// idle connections are closed.
pub(super) const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// A connection that is older than this is closed with its next answer. Otherwise a client that keeps its connection
/// would never reach a replica that was added later.
const CONNECTION_AGE: Duration = Duration::from_millis(500);

/// Serves until the process drains, and finishes the running requests. Returns an error if the port cannot be used.
pub async fn serve(address: SocketAddr, routes: Router, lifecycle: &Lifecycle) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        std::io::Error::new(error.kind(), format!("cannot listen on port {}: {error}", address.port()))
    })?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let (listener, closed) = DrainingListener::new(listener, lifecycle.clone());
    let server = axum::serve(listener, routes.into_make_service_with_connect_info::<OpenedAt>())
        .with_graceful_shutdown(async move {
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
            tracing::warn!("some requests did not finish in time");
            Ok(())
        }
    }
}

#[derive(Clone, Copy)]
struct OpenedAt(Instant);

impl Connected<IncomingStream<'_, DrainingListener>> for OpenedAt {
    fn connect_info(_: IncomingStream<'_, DrainingListener>) -> Self {
        Self(Instant::now())
    }
}

/// Adds `Connection: close` to the answer on an old connection, and to every answer while the process drains.
pub(super) async fn close_old_connections(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    let opened = request.extensions().get::<ConnectInfo<OpenedAt>>().map(|info| info.0.0);
    let mut response = next.run(request).await;
    if life.is_draining() || opened.is_some_and(|opened| opened.elapsed() > CONNECTION_AGE) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[derive(Clone)]
pub(super) struct Starting {
    pub(super) life: Lifecycle,
    /// Whether the program's own routes are about orders.
    pub(super) about_orders: bool,
}

/// Answers 503 on the program's own routes until its database is migrated and its worker polls for tasks.
pub(super) async fn refuse_until_started(State(starting): State<Starting>, request: Request, next: Next) -> Response {
    if starting.life.has_started() {
        return next.run(request).await;
    }
    let error = ApiError::new(Code::STARTING, "this process is still starting; retry").retry_after(1);
    if starting.about_orders { error.about_order(None) } else { error }.into_response()
}
