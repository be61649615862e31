//! The orders API as a client sees it.

use std::sync::OnceLock;
use std::time::Duration;

use checker::Said;
use harness::wait;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::World;

/// Longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(180);

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body, `Null` if it is not JSON.
    pub json: Value,
    /// `Content-Type`.
    pub content_type: String,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let (location, retry_after) = (header("location"), header("retry-after"));
        let content_type = header("content-type").unwrap_or_default();
        let json = response.json().await.unwrap_or(Value::Null);
        Self { status, json, content_type, location, retry_after }
    }

    /// The text in this field of the body; empty if there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.text("code")
    }

    /// Status and code, for short assertions.
    #[must_use]
    pub fn brief(&self) -> (u16, &str) {
        (self.status, if self.status == 200 { self.text("status") } else { self.code() })
    }
}

/// The guide's order: two pieces of product 1.
#[must_use]
pub fn order() -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000})
}

/// The guide's order, paid by this method.
#[must_use]
pub fn body(method: &str) -> Value {
    let mut body = order();
    body["paymentMethod"] = json!(method);
    body
}

/// One HTTP client for all tests of a process.
pub(crate) fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No kept-alive connections: each test runs on a runtime of its own, and connections do not outlive theirs.
        let client = Client::builder().timeout(LIMIT).pool_max_idle_per_host(0).no_proxy().build();
        client.expect("an HTTP client can be made")
    })
}

impl World {
    /// `POST /api/temporal/orders` under this key; the answer is kept for the checker.
    ///
    /// An answer that Temporal could not be reached in time is followed up as the API says: repeat with this key.
    pub async fn place(&self, key: &str, body: &Value) -> Reply {
        wait::until_some("the orders API to answer", LIMIT, async || {
            let reply = self.try_place(key, body).await.expect("the orders API answers");
            (reply.code() != "TEMPORAL_UNAVAILABLE").then_some(reply)
        })
        .await
    }

    /// As [`place`](Self::place), where the connection may break.
    pub async fn try_place(&self, key: &str, body: &Value) -> Option<Reply> {
        self.try_place_at(&self.api(), key, body).await
    }

    /// As [`try_place`](Self::try_place), at the orchestrator with this base URL.
    pub async fn try_place_at(&self, api: &str, key: &str, body: &Value) -> Option<Reply> {
        let url = format!("{api}/api/temporal/orders");
        let request = client().post(url).header("Idempotency-Key", self.key(key)).json(body);
        let reply = Reply::of(request.send().await.ok()?).await;
        self.remember(key, said_of_place(&reply));
        Some(reply)
    }

    /// `POST /api/temporal/orders/async` under this key.
    pub async fn place_async(&self, key: &str, body: &Value) -> Reply {
        self.try_place_async(key, body).await.expect("the orders API answers")
    }

    /// As [`place_async`](Self::place_async), where the connection may break.
    pub async fn try_place_async(&self, key: &str, body: &Value) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/async", self.api());
        let request = client().post(url).header("Idempotency-Key", self.key(key)).json(body);
        let reply = Reply::of(request.send().await.ok()?).await;
        self.remember(key, said_of_place(&reply));
        Some(reply)
    }

    /// `GET /api/temporal/orders/{workflowId}`; an end that it tells is kept for the checker.
    pub async fn follow(&self, key: &str) -> Reply {
        self.try_follow(key).await.expect("an answer")
    }

    /// As [`follow`](Self::follow), where the connection may break.
    pub async fn try_follow(&self, key: &str) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/{}", self.api(), self.saga(key));
        let reply = Reply::of(client().get(url).send().await.ok()?).await;
        let said = match reply.text("status") {
            "CONFIRMED" => Some(confirmed(&reply)),
            "CANCELLED" => Some(Said::Cancelled { code: reply.code().to_owned() }),
            _ => None,
        };
        self.remember(key, said);
        Some(reply)
    }

    /// `DELETE /api/temporal/orders/{workflowId}`; the answer is kept for the checker.
    pub async fn cancel(&self, key: &str) -> Reply {
        self.try_cancel(key).await.expect("the orders API answers")
    }

    /// As [`cancel`](Self::cancel), where the connection may break.
    pub async fn try_cancel(&self, key: &str) -> Option<Reply> {
        let url = format!("{}/api/temporal/orders/{}", self.api(), self.saga(key));
        let reply = Reply::of(client().delete(url).send().await.ok()?).await;
        let said = match (reply.status, reply.code()) {
            (200 | 202, _) => Some(Said::WillBeCancelled),
            (409, "ORDER_ALREADY_PAID") => Some(Said::WillBeConfirmed),
            _ => None,
        };
        self.remember(key, said);
        Some(reply)
    }

    /// Any other request without a body.
    pub async fn request(&self, method: Method, url: &str) -> Reply {
        Reply::of(client().request(method, url).send().await.expect("an answer")).await
    }

    /// Any other GET, with the status and JSON of its answer.
    pub async fn get(&self, url: &str) -> Reply {
        self.request(Method::GET, url).await
    }

    /// A POST of a JSON body.
    pub async fn post(&self, url: &str, body: &Value) -> Reply {
        Reply::of(client().post(url).json(body).send().await.expect("an answer")).await
    }
}

fn id(reply: &Reply, field: &str) -> String {
    reply.text(field).to_owned()
}

fn confirmed(reply: &Reply) -> Said {
    Said::Confirmed { order_id: id(reply, "orderId"), payment_id: id(reply, "paymentId") }
}

/// What an answer to a POST promises, if anything.
fn said_of_place(reply: &Reply) -> Option<Said> {
    match reply.status {
        200 => Some(confirmed(reply)),
        202 => Some(Said::Taken { order_id: id(reply, "orderId"), payment_id: id(reply, "paymentId") }),
        402 | 409 | 422 if !matches!(reply.code(), "VALIDATION_FAILED" | "IDEMPOTENCY_KEY_REUSED") => {
            Some(Said::Cancelled { code: reply.code().to_owned() })
        }
        _ => None,
    }
}
