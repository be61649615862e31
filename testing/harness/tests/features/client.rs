//! The clients and the stand-in service that these tests use.

use std::path::Path;

use harness::Bytes;
use harness::process::ServiceProcess;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The path of the stand-in service's binary.
pub(crate) fn echo_binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_harness-echo"))
}

/// A stand-in service that is ready.
pub(crate) async fn echo() -> ServiceProcess {
    let echo = ServiceProcess::of_program(echo_binary());
    echo.start();
    echo.wait_ready().await;
    echo
}

/// An HTTP client with keep-alive that does not repeat requests.
#[derive(Clone)]
pub(crate) struct HttpClient(Client<HttpConnector, Full<Bytes>>);

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http())
    }

    /// Status and body; None if the connection was closed instead.
    pub(crate) async fn post(&self, url: &str, body: &str) -> Option<(u16, String)> {
        let request = Request::post(url).body(Full::new(Bytes::from(body.to_owned()))).expect("the URL is one");
        let reply = self.0.request(request).await.ok()?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// How many requests the stand-in service had seen when it gave this reply.
pub(crate) fn count(reply: &str) -> u64 {
    let reply: Value = serde_json::from_str(reply).expect("the echo service replies with JSON");
    reply["count"].as_u64().expect("the echo service counts")
}
