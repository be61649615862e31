//! A replica of a service.

use std::time::{Duration, Instant};

use common::contract::SagaOrder;
use harness::process::ServiceProcess;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{Answer, code};

/// If a call fails with `DATABASE_UNAVAILABLE` after at least this time, no connection was free: the machine is busy.
const BUSY: Duration = Duration::from_secs(2);
/// A call is repeated for at most this long on a busy machine.
const BUSY_LIMIT: Duration = Duration::from_secs(60);

/// One process of a service, and an HTTP client for it.
pub struct Replica {
    /// The process. It is public so that tests can stop and restart it.
    pub process: ServiceProcess,
    http: Client,
}

impl Replica {
    /// A replica of this program on a database of the shared server. It is not started yet.
    pub async fn new(program: &str, database: &str) -> Self {
        let process =
            ServiceProcess::of_program(program.as_ref()).with_env("SPRING_DATASOURCE_URL", jdbc_url(database).await);
        Self { process, http: client() }
    }

    /// Starts the process and waits until it is ready.
    pub async fn start(&self) {
        self.process.start();
        self.process.wait_ready().await;
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        answer(self.http.get(self.url(path)).send().await).await
    }

    /// Reads a resource that must exist.
    pub async fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Reads the status and the reason of a resource that must exist.
    pub async fn read_state(&self, path: &str) -> (String, Option<String>) {
        let row = self.read(path).await;
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        (text("status").expect("a status"), text("reason"))
    }

    /// Sends a POST with a JSON body. It is repeated while the machine is busy. Any other failure is returned, for
    /// example after a deadlock that the service did not retry.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let started = Instant::now();
        loop {
            let sent = Instant::now();
            let answer = answer(self.send(path, body).await).await;
            let busy = code(&answer).1 == "DATABASE_UNAVAILABLE" && sent.elapsed() > BUSY;
            if !busy || started.elapsed() > BUSY_LIMIT {
                return answer;
            }
        }
    }

    /// Sends a POST with the body of an undo.
    pub async fn post_undo(&self, path: &str, order: &SagaOrder, reason: &str) -> Answer {
        self.post(path, &json!({"order": order, "reason": reason})).await
    }

    /// Sends one POST with a JSON body. Returns the response, including its headers.
    pub async fn send(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.request(&self.http, path).json(body).send().await
    }

    /// Sends one POST with this exact body and this content type.
    pub async fn post_raw(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        answer(self.request(&self.http, path).header("content-type", content_type).body(body).send().await).await
    }

    /// Starts one POST on a new connection. The task returns `None` if the service does not answer.
    #[must_use]
    pub fn begin_post(&self, path: &str, body: &Value) -> JoinHandle<Option<Answer>> {
        let request = self.request(&client(), path).json(body);
        tokio::spawn(async move {
            let response = request.send().await.ok()?;
            Some((response.status().as_u16(), response.json().await.ok()?))
        })
    }

    fn request(&self, http: &Client, path: &str) -> RequestBuilder {
        http.post(self.url(path))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.process.url())
    }
}

/// The JDBC address of a database on the shared server. The service creates the database if it does not exist.
pub async fn jdbc_url(database: &str) -> String {
    format!("jdbc:{}", harness::servers::shared::database().await.url_of(database))
}

fn client() -> Client {
    // Another test may already have installed a crypto provider for TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client without a proxy is valid")
}

async fn answer(response: reqwest::Result<Response>) -> Answer {
    let response = response.expect("the service answers");
    (response.status().as_u16(), response.json().await.expect("the body is JSON"))
}
