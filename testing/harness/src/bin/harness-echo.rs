//! A test service that the tests of the harness start and kill.
//!
//! Without arguments it serves `SERVER_PORT`: it counts and echoes requests. With the argument `servers` it starts the
//! shared servers, prints their process ids and waits until it is killed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use harness::Bytes;
use harness::servers::shared;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).is_some_and(|argument| argument == "servers") {
        let pids = [shared::database().await.pid(), shared::redis().await.pid(), shared::temporal().await.pid()];
        println!("{pids:?}");
        return std::future::pending().await;
    }
    let port = std::env::var("SERVER_PORT").ok().and_then(|port| port.parse().ok()).expect("SERVER_PORT is set");
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("the port is free");
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let begun = Instant::now();
    println!("listening on {port}");
    loop {
        let client = tokio::select! {
            client = listener.accept() => client.expect("connections can be accepted").0,
            _ = terminate.recv() => break,
        };
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(client), service_fn(move |request| answer(begun, request)));
        tokio::spawn(serving);
    }
    println!("orderly stop");
}

#[expect(clippy::disallowed_methods, reason = "tests of shifted clocks ask this process for its time")]
async fn answer(begun: Instant, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path();
    let ready = begun.elapsed() > Duration::from_millis(300);
    let status = if path == "/actuator/health/readiness" && !ready { 503 } else { 200 };
    let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
    let count = if path.starts_with("/actuator") { 0 } else { COUNT.fetch_add(1, Ordering::SeqCst) + 1 };
    let reply = json!({
        "count": count,
        "path": path,
        "body": String::from_utf8_lossy(&body),
        "time": epoch,
        "greeting": std::env::var("GREETING").ok(),
    });
    let mut response = Response::new(Full::new(Bytes::from(reply.to_string())));
    *response.status_mut() = status.try_into().expect("both are valid statuses");
    Ok(response)
}
