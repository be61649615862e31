//! The route table.

mod error;
mod payments;
mod steps;

use axum::extract::FromRef;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::Payments;

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) payments: Payments,
    /// Detached calls: they finish even when their client disconnects.
    pub(crate) detached: TaskTracker,
}

impl FromRef<AppState> for Payments {
    fn from_ref(state: &AppState) -> Self {
        state.payments.clone()
    }
}

impl FromRef<AppState> for TaskTracker {
    fn from_ref(state: &AppState) -> Self {
        state.detached.clone()
    }
}

pub(crate) fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(steps::pay))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::void))
        .routes(routes!(payments::by_id))
        .routes(routes!(payments::by_saga))
        .routes(routes!(payments::unfinished))
        .with_state(state)
}
