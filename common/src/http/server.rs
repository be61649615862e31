//! Listening, and ending without a client seeing it.

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
use super::door::Door;
use crate::contract::Code;
use crate::lifecycle::Lifecycle;

/// How long requests that run may still take once no new connection is taken.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// Once no new connection is taken, those that are there have this long to send their request: a connection without
/// one is closed then.
pub(super) const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// An older connection ends with its next answer: a client that never connects anew would never reach a replica that
/// was added since.
const CONNECTION_AGE: Duration = Duration::from_millis(500);

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
    let server = axum::serve(door, routes.into_make_service_with_connect_info::<OpenedAt>()).with_graceful_shutdown(
        async move {
            closed.await;
            tokio::time::sleep(LAST_REQUESTS).await;
        },
    );
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

/// When a connection was opened.
#[derive(Clone, Copy)]
struct OpenedAt(Instant);

impl Connected<IncomingStream<'_, Door>> for OpenedAt {
    fn connect_info(_: IncomingStream<'_, Door>) -> Self {
        Self(Instant::now())
    }
}

/// On an old connection, and on each while the process drains, the answer asks its client to connect anew.
pub(super) async fn close_when_due(State(life): State<Lifecycle>, request: Request, next: Next) -> Response {
    let opened = request.extensions().get::<ConnectInfo<OpenedAt>>().map(|info| info.0.0);
    let mut response = next.run(request).await;
    if life.is_draining() || opened.is_some_and(|opened| opened.elapsed() > CONNECTION_AGE) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What [`refuse_until_started`] goes by.
#[derive(Clone)]
pub(super) struct Starting {
    pub(super) life: Lifecycle,
    /// Are the process' own routes about orders?
    pub(super) about_orders: bool,
}

/// Until the process has started for good (database migrated, worker polling) its own routes answer 503.
pub(super) async fn refuse_until_started(State(starting): State<Starting>, request: Request, next: Next) -> Response {
    if starting.life.has_started() {
        return next.run(request).await;
    }
    let error = ApiError::new(Code::STARTING, "this process is still starting; try again").retry_after(1);
    if starting.about_orders { error.about_order(None) } else { error }.into_response()
}
