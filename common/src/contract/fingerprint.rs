//! The fingerprint of a request.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// SHA-256 of the parsed request, as 64 hex digits. Two requests under one idempotency key are the same request if and
/// only if their fingerprints are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes the canonical text of a request.
    pub(super) fn of_text(canonical: &str) -> Self {
        let digest = Sha256::digest(canonical.as_bytes());
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, &'static str> {
        if hex.len() == 64 && hex.bytes().all(|c| b"0123456789abcdef".contains(&c)) {
            Ok(Self(hex))
        } else {
            Err("must be 64 hex digits")
        }
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0
    }
}
