//! The running service, and the calls that tests make.

use std::time::{Duration, Instant};

use common::contract::order::PlaceOrder;
use common::contract::payment::{CANCEL, PAY, SETTLE};
use common::contract::{Fingerprint, SagaOrder};
use common::ids::{IdempotencyKey, OrderId, PaymentId, SagaId};
use harness::process::ServiceProcess;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::books::Books;

/// Status and body of an answer.
pub(crate) type Answer = (u16, Value);

/// Settings of a service.
pub(crate) type Settings = [(&'static str, &'static str); 2];

/// Time limits that a test can wait for.
pub(crate) const SHORT: Settings = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "5000")];
/// Time limits that no test reaches.
pub(crate) const LONG: Settings = [("GATEWAY_TIMEOUT_MS", "120000"), ("PAYMENT_LEASE_MS", "125000")];
/// A payment method whose verdict no test waits for.
pub(crate) const NEVER: &str = "CARD_APPROVED_AFTER_3600S";

/// A call that waited so long, in vain, waited for a connection.
const BUSY: Duration = Duration::from_secs(2);
/// How long the database of a busy machine may keep a call waiting.
const BUSY_LIMIT: Duration = Duration::from_secs(60);

/// A replica of the service.
pub(crate) struct App {
    pub(crate) process: ServiceProcess,
    pub(crate) books: Books,
    http: Client,
}

impl App {
    /// Alone on fresh databases, ready.
    pub(crate) async fn ready(settings: Settings) -> Self {
        let app = Self::new(Books::fresh().await, settings).await;
        app.started().await
    }

    /// On these databases; not started yet.
    pub(crate) async fn new(books: Books, settings: Settings) -> Self {
        let server = harness::servers::shared::database().await;
        let process = ServiceProcess::of_program(env!("CARGO_BIN_EXE_service-payment").as_ref())
            .with_env("SPRING_DATASOURCE_URL", format!("jdbc:{}", server.url_of(&books.payments)))
            .with_env("GATEWAY_DATASOURCE_URL", format!("jdbc:{}", server.url_of(&books.gateway)));
        for (name, value) in settings {
            process.set_env(name, value);
        }
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        Self { process, books, http }
    }

    /// With one more setting.
    pub(crate) fn with(self, name: &str, value: impl ToString) -> Self {
        self.process.set_env(name, value);
        self
    }

    /// Started, and ready.
    pub(crate) async fn started(self) -> Self {
        self.process.start();
        self.process.wait_ready().await;
        self
    }

    /// Another replica on the same databases, ready.
    pub(crate) async fn replica(&self, settings: Settings) -> Self {
        Self::new(self.books.clone(), settings).await.started().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.process.url());
        answer(self.http.get(url).send().await).await
    }

    /// Asks again while the database is too busy to answer. A failure that comes at once is no such thing: a deadlock,
    /// say, that was not tried again.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = answer(self.send(path, body).await).await;
            let busy = code(&answer).1 == "DATABASE_UNAVAILABLE" && asked.elapsed() > BUSY;
            if !busy || begun.elapsed() > BUSY_LIMIT {
                return answer;
            }
        }
    }

    /// As [`post`](Self::post), with the headers.
    pub(crate) async fn send(&self, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.http.post(format!("{}{path}", self.process.url())).json(body).send().await
    }

    pub(crate) async fn pay(&self, order: &SagaOrder) -> Answer {
        self.post(PAY, &json!(order)).await
    }

    /// A call of pay on a connection of its own; `None` if the service does not answer.
    pub(crate) fn begin_pay(&self, order: &SagaOrder) -> JoinHandle<Option<Answer>> {
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let call = http.post(format!("{}{PAY}", self.process.url())).json(order);
        tokio::spawn(async move {
            let response = call.send().await.ok()?;
            Some((response.status().as_u16(), response.json().await.ok()?))
        })
    }

    /// Pays, again and again while all permits are taken or another call is at it.
    pub(crate) async fn pay_at_last(&self, order: &SagaOrder) -> Answer {
        loop {
            let answer = self.pay(order).await;
            if !["GATEWAY_BUSY", "IN_PROGRESS"].contains(&code(&answer).1) {
                return answer;
            }
        }
    }

    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post(CANCEL, &json!({"order": order, "reason": reason})).await
    }

    pub(crate) async fn settle(&self, order: &SagaOrder) -> Answer {
        self.post(SETTLE, &json!({"order": order, "reason": "DEADLINE_EXCEEDED"})).await
    }
}

async fn answer(response: reqwest::Result<reqwest::Response>) -> Answer {
    let response = response.expect("the service answers");
    (response.status().as_u16(), response.json().await.expect("it answers with JSON"))
}

/// The code of a problem.
pub(crate) fn code((status, body): &Answer) -> (u16, &str) {
    (*status, body["code"].as_str().unwrap_or_default())
}

/// The name of the wrong field.
pub(crate) fn field((status, body): &Answer) -> (u16, &str) {
    (*status, body["errors"][0]["field"].as_str().unwrap_or_default())
}

/// The answer of a pay that paid.
pub(crate) fn paid(order: &SagaOrder) -> Answer {
    (200, json!({"paymentId": order.payment_id}))
}

/// The answer of a cancel that is decided.
pub(crate) fn decided(status: &str, reason: &str) -> Answer {
    (200, json!({"status": status, "reason": reason}))
}

/// The answer of a settle that is done.
pub(crate) fn settled(status: &str) -> Answer {
    (200, json!({"status": status}))
}

/// That the saga was undone, with this first reason.
#[track_caller]
pub(crate) fn assert_cancelled(answer: &Answer, reason: &str) {
    assert_eq!(code(answer), (409, "SAGA_CANCELLED"), "{answer:?}");
    assert_eq!(answer.1["reason"], reason);
}

/// A new saga's order, paid with this method.
pub(crate) fn order(method: &str) -> SagaOrder {
    let place = json!({"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000, "paymentMethod": method});
    let place: PlaceOrder = serde_json::from_str(&place.to_string()).expect("an order");
    SagaOrder {
        saga_id: SagaId::of(&IdempotencyKey::fresh()),
        fingerprint: Fingerprint::of(&place),
        order_id: OrderId::new(),
        payment_id: PaymentId::new(),
        customer_id: place.customer_id,
        product_id: place.product_id,
        quantity: place.quantity,
        amount: place.amount,
        payment_method: place.payment_method,
    }
}

/// The same saga, but another request.
pub(crate) fn of_another_request(order: &SagaOrder) -> SagaOrder {
    SagaOrder { fingerprint: Fingerprint::try_from("f".repeat(64)).expect("64 hex digits"), ..order.clone() }
}
