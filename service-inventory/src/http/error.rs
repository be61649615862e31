//! Errors as answers, and the answers that several routes have in common.

use std::collections::BTreeMap;

use common::contract::{Code, Problem, problem};
use common::database;
use common::http::ApiError;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::domain::Error;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Refused(code) => Self::new(code, text),
            Error::Cancelled(reason) => Self::new(Code::SAGA_CANCELLED, text).because(reason),
            Error::Confirmed => Self::new(Code::ALREADY_CONFIRMED, text),
            Error::KeyReused => Self::new(Code::IDEMPOTENCY_KEY_REUSED, text),
            Error::DeliveryReused => Self::field(Code::IDEMPOTENCY_KEY_REUSED, "deliveryId", text),
            Error::ProductExists => Self::new(Code::PRODUCT_EXISTS, text),
            Error::NotFound(_) => Self::new(Code::NOT_FOUND, text),
            Error::TooMany => Self::field(Code::VALIDATION_FAILED, "quantity", text),
            Error::Database(error) => database::answer(error),
        }
    }
}

/// What every route may answer.
pub(super) struct Unavailable;

impl IntoResponses for Unavailable {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented([("503", "DATABASE_UNAVAILABLE or STARTING: try again")])
    }
}

/// What every route that takes a body may answer beside that.
pub(super) struct BadBody;

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented([
            ("400", "MALFORMED_JSON"),
            ("413", "BODY_TOO_LARGE: more than 64 KiB"),
            ("415", "UNSUPPORTED_MEDIA_TYPE: not application/json"),
        ])
    }
}

fn documented<const N: usize>(answers: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let response = |description: &str| {
        ResponseBuilder::new().description(description).content(problem::CONTENT_TYPE, problem()).build()
    };
    answers.into_iter().map(|(status, text)| (status.to_owned(), RefOr::T(response(text)))).collect()
}
