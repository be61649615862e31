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
    /// A URI that names the kind of problem; `urn:problem:<code>`.
    #[serde(rename = "type", default)]
    pub type_uri: String,
    /// The HTTP status in words.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What happened, for people.
    #[serde(default)]
    pub detail: String,
    /// What happened, for programs.
    pub code: Code,
    /// With `SAGA_CANCELLED`: the code of the first refusal of the saga.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// The fields that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Always `false`; only in answers about an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// Only in answers about an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<SagaId>,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's path, such as `quantity`; a header by its name, a path parameter by its name.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// A problem with this code and a text for people.
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
