//! The HTTP client of the harness.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

/// An HTTP/1.1 client with keep-alive.
pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Sends a GET on a new connection. Returns the status and the body, or `None` if no complete answer arrives in time.
pub(crate) async fn get(url: &str, limit: Duration) -> Option<(u16, String)> {
    let url = url.parse().expect("the URL is valid");
    let fetched = async {
        let reply = client().get(url).await.ok()?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::time::timeout(limit, fetched).await.ok()?
}
