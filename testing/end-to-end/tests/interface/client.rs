//! An HTTP client that can send malformed requests: any bytes in headers and body.

use std::sync::OnceLock;
use std::time::Duration;

use end_to_end::{Service, TestSystem};
use harness::HeaderMap;
use reqwest::Client;
use serde_json::Value;

/// A request to one of the four programs.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(service: Service, method: &'static str, path: impl Into<String>) -> Self {
        Self { service, method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, "GET", path)
    }

    /// A POST with a JSON body.
    pub(crate) fn post(service: Service, path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new(service, "POST", path).body(body).header("Content-Type", "application/json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request on a new connection.
    pub(crate) async fn send(&self, system: &TestSystem) -> Answer {
        let url = format!("{}{}", system.process(self.service).url(), self.path);
        let method = self.method.parse().expect("the method is valid");
        let mut request = client().request(method, url).body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_slice());
        }
        let sent = request.send().await;
        let response = sent.unwrap_or_else(|error| panic!("{} {}: no answer: {error:?}", self.method, self.path));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer is complete");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    /// The code of an error. It is empty for other answers.
    pub(crate) fn code(&self) -> &str {
        if self.status < 400 { "" } else { self.json["code"].as_str().unwrap_or_default() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The name of the first wrong field.
    pub(crate) fn field(&self) -> &str {
        self.json["errors"][0]["field"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_problem(&self) -> bool {
        self.header("content-type") == "application/problem+json" && self.json["status"] == self.status
    }
}

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(60)).pool_max_idle_per_host(0).no_proxy();
        client.redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client can be made")
    })
}
