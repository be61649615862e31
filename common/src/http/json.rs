//! JSON bodies. `extract.rs` reads them from requests.

use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The JSON body of a request or of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}
