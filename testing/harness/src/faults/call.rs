//! What the proxy remembers of each call.

use std::fmt;
use std::time::Instant;

use hyper::HeaderMap;
use hyper::body::Bytes;

/// One request that the proxy received, and what became of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts from 0 in order of arrival.
    pub number: usize,
    /// `POST`, …
    pub method: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// When the request had arrived, whole.
    pub at: Instant,
    /// The name of the rule's action that was applied, if any.
    pub fault: Option<String>,
    /// What the service replied, each time that the request was forwarded and answered.
    pub effects: Vec<Reply>,
    /// What the client was answered; none if its connection was closed instead, or nothing was done yet.
    pub answer: Option<Reply>,
    /// True once nothing more will be done for this call. It stays false if the client went away before the
    /// service replied (unless a rule caught the call).
    pub ended: bool,
}

/// A reply of the service, or an answer of the proxy.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without those that concern the connection only.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When it had arrived, whole, or was sent.
    pub at: Instant,
}

impl Call {
    /// The request's body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The request's body as JSON, null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Reply {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effects: Vec<u16> = self.effects.iter().map(|reply| reply.status).collect();
        let answer = self.answer.as_ref().map(|reply| reply.status);
        let Self { number, method, path, fault, .. } = self;
        write!(f, "#{number} {method} {path} {}: service {effects:?}, client {answer:?}", self.text())?;
        fault.as_ref().map_or(Ok(()), |fault| write!(f, ", fault {fault}"))
    }
}
