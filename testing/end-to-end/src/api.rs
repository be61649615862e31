//! The orders API as a client sees it.

use std::sync::OnceLock;
use std::time::Duration;

use checker::Promise;
use harness::wait;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::TestSystem;

/// The time limit of one request. Every answer arrives sooner.
const LIMIT: Duration = Duration::from_secs(180);

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body. It is `Null` if it is not JSON.
    pub json: Value,
    /// The `Content-Type` header, or an empty string.
    pub content_type: String,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

impl Reply {
    async fn read(response: Response) -> Self {
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let (location, retry_after) = (header("location"), header("retry-after"));
        let content_type = header("content-type").unwrap_or_default();
        let json = response.json().await.unwrap_or(Value::Null);
        Self { status, json, content_type, location, retry_after }
    }

    /// The text in this field of the body, or an empty string.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    /// The `code` of an error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.text("code")
    }

    /// The HTTP status and the code. A 200 answer has no code: the second part is then the status of the order.
    #[must_use]
    pub fn status_and_code(&self) -> (u16, &str) {
        (self.status, if self.status == 200 { self.text("status") } else { self.code() })
    }
}

/// An order of two units of product 1, as the Korean deployment guide (see docs/guide-deviations.md) places it.
#[must_use]
pub fn order() -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000})
}

/// The same order as [`order`], paid with this method.
#[must_use]
pub fn order_paid_by(method: &str) -> Value {
    let mut body = order();
    body["paymentMethod"] = json!(method);
    body
}

/// The HTTP client for all tests of a process.
pub(crate) fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Connections are not kept. Each test has its own runtime, and a connection ends with its runtime.
        let client = Client::builder().timeout(LIMIT).pool_max_idle_per_host(0).no_proxy().build();
        client.expect("an HTTP client can be made")
    })
}

impl TestSystem {
    /// `POST /api/temporal/orders` under this key. The answer is kept for the checker.
    ///
    /// After `TEMPORAL_UNAVAILABLE` the request is repeated with the same key, as the API asks its clients to do.
    pub async fn place(&self, key: &str, body: &Value) -> Reply {
        wait::until_some("the orders API to answer", LIMIT, async || {
            let reply = self.try_place(key, body).await.expect("the orders API answers");
            (reply.code() != "TEMPORAL_UNAVAILABLE").then_some(reply)
        })
        .await
    }

    /// One POST as in [`place`](Self::place). `None` if the connection breaks.
    pub async fn try_place(&self, key: &str, body: &Value) -> Option<Reply> {
        self.try_place_at(&self.api(), key, body).await
    }

    /// The same as [`try_place`](Self::try_place), sent to the orchestrator with this base URL.
    pub async fn try_place_at(&self, api: &str, key: &str, body: &Value) -> Option<Reply> {
        let url = format!("{api}/api/temporal/orders");
        let request = client().post(url).header("Idempotency-Key", self.key(key)).json(body);
        let reply = Reply::read(request.send().await.ok()?).await;
        self.record_answer(key, promise_of_place(&reply));
        Some(reply)
    }

    /// `POST /api/temporal/orders/async` under this key. The answer is kept for the checker.
    pub async fn place_async(&self, key: &str, body: &Value) -> Reply {
        self.try_place_async(key, body).await.expect("the orders API answers")
    }

    /// The same as [`place_async`](Self::place_async). `None` if the connection breaks.
    pub async fn try_place_async(&self, key: &str, body: &Value) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/async", self.api());
        let request = client().post(url).header("Idempotency-Key", self.key(key)).json(body);
        let reply = Reply::read(request.send().await.ok()?).await;
        self.record_answer(key, promise_of_place(&reply));
        Some(reply)
    }

    /// `GET /api/temporal/orders/{workflowId}`. An answer about a finished order is kept for the checker.
    pub async fn follow(&self, key: &str) -> Reply {
        self.try_follow(key).await.expect("the orders API answers")
    }

    /// The same as [`follow`](Self::follow). `None` if the connection breaks.
    pub async fn try_follow(&self, key: &str) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/{}", self.api(), self.saga(key));
        let reply = Reply::read(client().get(url).send().await.ok()?).await;
        let promise = match reply.text("status") {
            "CONFIRMED" => Some(confirmed(&reply)),
            "CANCELLED" => Some(Promise::Cancelled { code: reply.code().to_owned() }),
            _ => None,
        };
        self.record_answer(key, promise);
        Some(reply)
    }

    /// `DELETE /api/temporal/orders/{workflowId}`. The answer is kept for the checker.
    pub async fn cancel(&self, key: &str) -> Reply {
        self.try_cancel(key).await.expect("the orders API answers")
    }

    /// The same as [`cancel`](Self::cancel). `None` if the connection breaks.
    pub async fn try_cancel(&self, key: &str) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/{}", self.api(), self.saga(key));
        let reply = Reply::read(client().delete(url).send().await.ok()?).await;
        let promise = match (reply.status, reply.code()) {
            (200 | 202, _) => Some(Promise::WillBeCancelled),
            (409, "ORDER_ALREADY_PAID") => Some(Promise::WillBeConfirmed),
            _ => None,
        };
        self.record_answer(key, promise);
        Some(reply)
    }

    /// Sends a request without a body to any URL.
    pub async fn request(&self, method: Method, url: &str) -> Reply {
        Reply::read(client().request(method, url).send().await.expect("the server answers")).await
    }

    /// Sends a GET to any URL.
    pub async fn get(&self, url: &str) -> Reply {
        self.request(Method::GET, url).await
    }

    /// Sends a POST with a JSON body to any URL.
    pub async fn post(&self, url: &str, body: &Value) -> Reply {
        Reply::read(client().post(url).json(body).send().await.expect("the server answers")).await
    }
}

fn id(reply: &Reply, field: &str) -> String {
    reply.text(field).to_owned()
}

fn confirmed(reply: &Reply) -> Promise {
    Promise::Confirmed { order_id: id(reply, "orderId"), payment_id: id(reply, "paymentId") }
}

/// The promise in an answer to a POST, if there is one.
fn promise_of_place(reply: &Reply) -> Option<Promise> {
    match reply.status {
        200 => Some(confirmed(reply)),
        202 => Some(Promise::Accepted { order_id: id(reply, "orderId"), payment_id: id(reply, "paymentId") }),
        402 | 409 | 422 if !matches!(reply.code(), "VALIDATION_FAILED" | "IDEMPOTENCY_KEY_REUSED") => {
            Some(Promise::Cancelled { code: reply.code().to_owned() })
        }
        _ => None,
    }
}
