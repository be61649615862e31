//! HTTP clients for the three services. Types and paths come from `common::contract`.

mod inventory;
mod order;
mod payment;

use std::time::Duration;

use common::contract::{Code, Problem};
use common::telemetry::error_chain;
use common::telemetry::trace::TraceContext;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// The time limit of a call. No step of the saga has a longer limit.
const CALL_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Idle connections are closed after this time, before the network forgets them (Swarm's IPVS does so after 900 s).
const IDLE_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(crate) struct ServiceUrls {
    pub(crate) order: Url,
    pub(crate) inventory: Url,
    pub(crate) payment: Url,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The service refused the call. A refusal is final.
    #[error("{0}")]
    Refused(Refusal),
    /// Any other error. The call may have taken effect, and can be retried.
    #[error("{code}: {detail}")]
    Failed { code: Code, detail: String },
}

/// A refusal. With `SAGA_CANCELLED`, `reason` is the code of the saga's first refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: Option<Code>,
}

impl Refusal {
    /// The code for the client.
    pub(crate) fn final_code(&self) -> &Code {
        self.reason.as_ref().filter(|_| self.code == Code::SAGA_CANCELLED).unwrap_or(&self.code)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.final_code().fmt(f)
    }
}

/// The clients of the three services. They share one connection pool.
#[derive(Clone)]
pub(crate) struct Services {
    http: Client,
    urls: ServiceUrls,
}

impl Services {
    pub(crate) fn new(urls: ServiceUrls) -> Result<Self, reqwest::Error> {
        // reqwest is built without a TLS provider. Temporal's client needs `ring` anyway, so reqwest uses it, too.
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

    async fn post<T: DeserializeOwned>(
        &self,
        base: &Url,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, CallError> {
        let mut url = base.clone();
        url.set_path(path);
        let request = self.http.post(url).headers(trace_headers()).json(body);
        answer(request.send().await).await
    }

    async fn get<T: DeserializeOwned>(&self, base: &Url, path: &str) -> Result<T, CallError> {
        let mut url = base.clone();
        url.set_path(path);
        answer(self.http.get(url).headers(trace_headers()).send().await).await
    }
}

fn trace_headers() -> HeaderMap {
    TraceContext::current().headers().into_iter().collect()
}

async fn answer<T: DeserializeOwned>(sent: reqwest::Result<Response>) -> Result<T, CallError> {
    let response = sent.map_err(|error| failed(Code::SERVICE_UNAVAILABLE, error_chain(&error)))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| failed(Code::SERVICE_UNAVAILABLE, error_chain(&error)))?;
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|error| failed(Code::SERVICE_UNAVAILABLE, error.to_string()));
    }
    Err(call_error(status, &body))
}

/// Only a 4xx with a refusal code is a refusal. A status alone, or a 5xx, is not.
fn call_error(status: StatusCode, body: &[u8]) -> CallError {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> CallError {
        call_error(StatusCode::from_u16(status).expect("a status"), body.as_bytes())
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
