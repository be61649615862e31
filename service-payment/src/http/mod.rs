//! The route table.

mod error;
mod payments;
mod steps;

use axum::extract::FromRef;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::Payments;

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct AppState {
    /// The use cases.
    pub(crate) payments: Payments,
    /// Calls that go on when their client has gone.
    pub(crate) calls: TaskTracker,
}

impl FromRef<AppState> for Payments {
    fn from_ref(state: &AppState) -> Self {
        state.payments.clone()
    }
}

impl FromRef<AppState> for TaskTracker {
    fn from_ref(state: &AppState) -> Self {
        state.calls.clone()
    }
}

/// All routes of this service.
pub(crate) fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(steps::pay))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::settle))
        .routes(routes!(payments::by_id))
        .routes(routes!(payments::by_saga))
        .routes(routes!(payments::unfinished))
        .with_state(state)
}
