//! The proxy's record of each call.

use std::fmt;
use std::time::Instant;

use hyper::HeaderMap;
use hyper::body::Bytes;

/// One request that the proxy received, with its replies.
#[derive(Clone, Debug)]
pub struct Call {
    /// The position in order of arrival, counted from 0.
    pub number: usize,
    /// The HTTP method, such as `POST`.
    pub method: String,
    /// The path, including the query.
    pub path: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// When the whole request had arrived.
    pub at: Instant,
    /// The action of the rule that caught the call.
    pub fault: Option<String>,
    /// The replies from the service, one for each time that the forwarded request was answered.
    pub effects: Vec<Reply>,
    /// The answer to the client. `None` if the proxy closed the connection or has not answered yet.
    pub answer: Option<Reply>,
    /// Whether the proxy is finished with this call. Stays false if the client disconnects before the service replies,
    /// unless a rule caught the call.
    pub ended: bool,
}

/// A reply from the service, or an answer from the proxy.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, except those of the connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When the whole reply had arrived, or when the proxy sent it.
    pub at: Instant,
}

impl Call {
    /// The request's body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The request's body as JSON, or null if it is not JSON.
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

    /// The body as JSON, or null if it is not JSON.
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
