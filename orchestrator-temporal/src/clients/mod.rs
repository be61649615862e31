//! The three services, as the saga calls them. Types and paths are those of `common::contract`.

mod inventory;
mod order;
mod payment;

use std::time::Duration;

use common::contract::{Code, Problem};
use common::telemetry::trace::TraceContext;
pub(crate) use payment::Decision;
use reqwest::{Client, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// No call takes longer; the saga's own limits are shorter or as long.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// A service that does not take a connection within this is away.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Idle connections are dropped before anything between us and a service (IPVS after 900 s) forgets them.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// Where the services are.
#[derive(Debug, Clone)]
pub(crate) struct ServiceUrls {
    pub(crate) order: Url,
    pub(crate) inventory: Url,
    pub(crate) payment: Url,
}

/// What came of a call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// A listed refusal: final at once. Holds the code that the client is to see.
    #[error("{0}")]
    Refused(Refusal),
    /// Everything else: to be tried again. What was asked may have happened.
    #[error("{code}: {detail}")]
    Failed { code: Code, detail: String },
}

/// A refusal: its code, and with `SAGA_CANCELLED` the code of the saga's first refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: Option<Code>,
}

impl Refusal {
    /// The code that the client is to see.
    pub(crate) fn final_code(&self) -> &Code {
        self.reason.as_ref().filter(|_| self.code == Code::SAGA_CANCELLED).unwrap_or(&self.code)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.final_code().fmt(f)
    }
}

/// The services behind one HTTP client with kept-alive connections.
#[derive(Clone)]
pub(crate) struct Services {
    http: Client,
    urls: ServiceUrls,
}

impl Services {
    pub(crate) fn new(urls: ServiceUrls) -> Result<Self, reqwest::Error> {
        // reqwest is built without a TLS provider of its own; this one is in the binary for Temporal already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(CALL_LIMIT)
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(IDLE_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, urls })
    }

    /// The HTTP client, for others that need one.
    pub(crate) fn http(&self) -> Client {
        self.http.clone()
    }

    async fn post<T: DeserializeOwned>(
        &self,
        base: &Url,
        path: &str,
        body: &(impl Serialize + Sync),
        trace: &TraceContext,
    ) -> Result<T, CallError> {
        let mut url = base.clone();
        url.set_path(path);
        let request = self.http.post(url).headers(trace.headers().into_iter().collect()).json(body);
        answer(request.send().await).await
    }

    async fn get<T: DeserializeOwned>(&self, base: &Url, path: &str, trace: &TraceContext) -> Result<T, CallError> {
        let mut url = base.clone();
        url.set_path(path);
        answer(self.http.get(url).headers(trace.headers().into_iter().collect()).send().await).await
    }
}

async fn answer<T: DeserializeOwned>(sent: reqwest::Result<Response>) -> Result<T, CallError> {
    let response = sent.map_err(|error| failed(Code::SERVICE_UNAVAILABLE, chain(&error)))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| failed(Code::SERVICE_UNAVAILABLE, chain(&error)))?;
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|error| failed(Code::SERVICE_UNAVAILABLE, error.to_string()));
    }
    Err(refusal(status, &body))
}

/// A refusal is a listed code in a 4xx. A status alone is never one, and no 5xx is.
fn refusal(status: StatusCode, body: &[u8]) -> CallError {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if status.is_client_error() && problem.code.is_refusal() => {
            CallError::Refused(Refusal { code: problem.code, reason: problem.reason })
        }
        Ok(problem) => CallError::Failed { code: problem.code, detail: problem.detail },
        Err(_) => failed(Code::SERVICE_UNAVAILABLE, format!("HTTP {status} without a problem body")),
    }
}

fn failed(code: Code, detail: String) -> CallError {
    CallError::Failed { code, detail }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> CallError {
        refusal(StatusCode::from_u16(status).expect("a status"), body.as_bytes())
    }

    #[test]
    fn only_a_listed_code_in_a_4xx_is_a_refusal() {
        assert!(matches!(read(409, r#"{"code":"INSUFFICIENT_STOCK"}"#), CallError::Refused(_)));
        for (status, body) in [
            (409, r#"{"code":"IN_PROGRESS"}"#),
            (409, r#"{"code":"CODE_OF_A_LATER_RELEASE"}"#),
            (500, r#"{"code":"INSUFFICIENT_STOCK"}"#),
            (404, "not found"),
            (422, "{"),
            (302, ""),
        ] {
            assert!(matches!(read(status, body), CallError::Failed { .. }), "{status} {body}");
        }
    }

    #[test]
    fn a_cancelled_saga_is_refused_with_its_first_reason() {
        let error = read(409, r#"{"code":"SAGA_CANCELLED","reason":"DEADLINE_EXCEEDED"}"#);
        let CallError::Refused(refusal) = error else { panic!("{error}") };
        assert_eq!(refusal.final_code(), &Code::DEADLINE_EXCEEDED);
    }
}
