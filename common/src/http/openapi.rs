//! Answers that many routes have in common, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::contract::{Problem, problem};

#[derive(Debug, Clone, Copy)]
pub struct Unavailable;

impl IntoResponses for Unavailable {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented([("503", "DATABASE_UNAVAILABLE or STARTING: retry")])
    }
}

#[derive(Debug, Clone, Copy)]
pub struct BadBody;

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
