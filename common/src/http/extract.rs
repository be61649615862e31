//! Extractors whose errors are problem bodies that name the wrong field.

use std::fmt::Display;
use std::str::FromStr;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::body::BodyError;
use super::json::Json;
use super::{ApiError, BODY_LIMIT};
use crate::contract::Code;

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ApiError::field(Code::UNSUPPORTED_MEDIA_TYPE, "Content-Type", "must be application/json"));
        }
        if let Some(error) = request.extensions().get::<BodyError>() {
            return Err((*error).into());
        }
        let body = to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| BodyError::Incomplete)?;
        parse(&body).map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let essence = |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(essence)
        .is_some_and(|mime| mime == "application/json" || mime.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::field(Code::MALFORMED_JSON, "body", "is not UTF-8"))?;
    // Without this check, serde would accept an array as the values of the fields.
    if text.trim_ascii_start().starts_with('[') {
        return Err(ApiError::field(Code::VALIDATION_FAILED, "body", "must be an object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong_field(&error))?;
    reader.end().map_err(|error| ApiError::field(Code::MALFORMED_JSON, "body", error.to_string()))?;
    Ok(value)
}

fn wrong_field(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let full = error.inner().to_string();
    // serde_json reports this as a syntax error, but it is a wrong value.
    let out_of_range = full.starts_with("number out of range");
    if !out_of_range && !matches!(error.inner().classify(), Category::Data) {
        return ApiError::field(Code::MALFORMED_JSON, "body", full);
    }
    let message = full.split(" at line ").next().unwrap_or_default();
    let path = error.path().to_string();
    let field = match named_field(message) {
        Some(name) if path == "." || path == "?" => name.to_owned(),
        Some(name) if !path.ends_with(name) => format!("{path}.{name}"),
        _ if path == "." || path == "?" => "body".to_owned(),
        _ => path,
    };
    ApiError::field(Code::VALIDATION_FAILED, &field, plain(message))
}

/// Replaces the names of Rust types in serde's message with those of JSON types.
fn plain(message: &str) -> String {
    let Some((got, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let expected = match expected.split(' ').next().unwrap_or_default() {
        "i64" | "u64" | "u32" | "i32" => "a whole number",
        "struct" => "an object",
        _ => return message.to_owned(),
    };
    format!("{got}, expected {expected}")
}

/// The field that serde's message names: "missing field `x`", "unknown field `x`" and "duplicate field `x`".
fn named_field(message: &str) -> Option<&str> {
    let (kind, rest) = message.split_once(" field `")?;
    matches!(kind, "missing" | "unknown" | "duplicate").then(|| rest.split('`').next())?
}

#[derive(Debug, Clone, Copy)]
pub struct PathParam<T>(pub T);

impl<S, T> FromRequestParts<S> for PathParam<T>
where
    S: Send + Sync,
    T: FromStr,
    T::Err: Display,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|error| wrong_path(&error.body_text()))?;
        let Some((name, text)) = params.iter().next() else {
            return Err(ApiError::new(Code::INTERNAL, "this route has no path parameter"));
        };
        text.parse()
            .map(Self)
            .map_err(|error: T::Err| ApiError::field(Code::VALIDATION_FAILED, name, error.to_string()))
    }
}

/// axum's message is "Invalid UTF-8 in `<name>`".
fn wrong_path(text: &str) -> ApiError {
    ApiError::field(Code::VALIDATION_FAILED, text.split('`').nth(1).unwrap_or("path"), "must be UTF-8")
}

#[derive(Debug, Clone, Copy)]
pub struct QueryParam<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParam<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|error| wrong_query(&error.body_text()))
    }
}

/// axum's message is "Failed to deserialize query string: <field>: <message>". The field may be missing.
fn wrong_query(text: &str) -> ApiError {
    let what = text.split_once(": ").map_or(text, |(_, what)| what);
    match what.split_once(": ") {
        Some((field, message)) => ApiError::field(Code::VALIDATION_FAILED, field, message),
        None => ApiError::field(Code::VALIDATION_FAILED, named_field(what).unwrap_or("query"), what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::order::PlaceOrder;

    fn refused(body: &str) -> (String, String) {
        let error = parse::<PlaceOrder>(body.as_bytes()).expect_err(body);
        let field = error.field_name().unwrap_or_default().to_owned();
        (error.code().to_string(), field)
    }

    #[test]
    fn a_wrong_body_names_the_field() {
        let good = r#""customerId":1,"productId":1,"quantity":2,"amount":20000"#;
        assert!(parse::<PlaceOrder>(format!("{{{good}}}").as_bytes()).is_ok());
        for (body, field) in [
            (r#"{"productId":1,"quantity":2,"amount":20000}"#.to_owned(), "customerId"),
            (format!("{{{good},\"color\":1}}"), "color"),
            (format!("{{{good},\"quantity\":1}}"), "quantity"),
            (r#"{"customerId":1,"productId":1,"quantity":0,"amount":20000}"#.to_owned(), "quantity"),
            (r#"{"customerId":1,"productId":1,"quantity":1,"amount":"x"}"#.to_owned(), "amount"),
            (r#"{"customerId":1.5,"productId":1,"quantity":1,"amount":1}"#.to_owned(), "customerId"),
            (r#"{"customerId":1e999,"productId":1,"quantity":1,"amount":1}"#.to_owned(), "customerId"),
            ("[1,1,2,20000]".to_owned(), "body"),
        ] {
            assert_eq!(refused(&body), ("VALIDATION_FAILED".to_owned(), field.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_said_to_be_so() {
        for body in ["", "{", "nonsense", "{\"customerId\":NaN}", "{} {}"] {
            let (code, _) = refused(body);
            assert!(code == "MALFORMED_JSON" || body == "{} {}", "{body}: {code}");
        }
    }
}
