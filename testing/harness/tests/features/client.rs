//! The HTTP client and the test service of these tests.

use std::path::Path;

use harness::Bytes;
use harness::process::ServiceProcess;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The path of the test service's binary.
pub(crate) fn echo_binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_harness-echo"))
}

/// Starts the test service and waits until it is ready.
pub(crate) async fn echo() -> ServiceProcess {
    let echo = ServiceProcess::of_program(echo_binary());
    echo.start();
    echo.wait_ready().await;
    echo
}

/// An HTTP client with keep-alive that does not retry requests.
#[derive(Clone)]
pub(crate) struct HttpClient(Client<HttpConnector, Full<Bytes>>);

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http())
    }

    /// Returns the status and the body, or `None` if the connection was closed without an answer.
    pub(crate) async fn post(&self, url: &str, body: &str) -> Option<(u16, String)> {
        let request = Request::post(url).body(Full::new(Bytes::from(body.to_owned()))).expect("the URL is valid");
        let reply = self.0.request(request).await.ok()?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The request count of the test service in this reply.
pub(crate) fn count(reply: &str) -> u64 {
    let reply: Value = serde_json::from_str(reply).expect("the test service replies with JSON");
    reply["count"].as_u64().expect("the reply has a count")
}
