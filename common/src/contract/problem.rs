//! The error body: RFC 9457 `application/problem+json` with a stable `code`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Code;
use crate::ids::SagaId;

/// The content type of [`Problem`].
pub const CONTENT_TYPE: &str = "application/problem+json";

/// An error answer (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The kind of problem, as a URI: `urn:problem:<code>`.
    #[serde(rename = "type", default)]
    pub type_uri: String,
    /// The HTTP status as text, such as `Conflict`.
    #[serde(default)]
    pub title: String,
    /// The HTTP status as a number.
    #[serde(default)]
    pub status: u16,
    /// What went wrong, as human-readable text.
    #[serde(default)]
    pub detail: String,
    /// What went wrong, as a stable code for programs.
    pub code: Code,
    /// The code of the saga's first refusal. Present only with `SAGA_CANCELLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// The invalid fields of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Always `false`. Present only in answers about an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// The saga's id. Present only in answers about an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<SagaId>,
}

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The path of the field in the body, such as `quantity`, or the name of a header or path parameter.
    pub field: String,
    /// What is wrong with the field.
    pub message: String,
}

impl Problem {
    /// A problem with this code and this human-readable text.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:problem:{code}"),
            title: String::new(),
            status: code.status(),
            detail: detail.into(),
            code,
            reason: None,
            errors: Vec::new(),
            success: None,
            workflow_id: None,
        }
    }
}
