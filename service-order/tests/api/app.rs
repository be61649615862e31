//! The running service, and the calls that tests make.

use std::time::{Duration, Instant};

use common::contract::order::{CANCEL, CONFIRM, CREATE, PlaceOrder};
use common::contract::{Fingerprint, SagaOrder};
use common::ids::{IdempotencyKey, OrderId, PaymentId, SagaId};
use harness::process::ServiceProcess;
use reqwest::Client;
use serde_json::{Value, json};

/// Status and body of an answer.
pub(crate) type Answer = (u16, Value);

/// A call that waited so long, in vain, waited for a connection.
const BUSY: Duration = Duration::from_secs(2);
/// How long the database of a busy machine may keep a call waiting.
const BUSY_LIMIT: Duration = Duration::from_secs(60);

/// A replica of the service.
pub(crate) struct App {
    pub(crate) process: ServiceProcess,
    database: String,
    http: Client,
}

impl App {
    /// Alone on a fresh database, ready.
    pub(crate) async fn ready() -> Self {
        Self::on(harness::unique("orders")).await
    }

    /// Another replica on the same database, ready.
    pub(crate) async fn replica(&self) -> Self {
        Self::on(self.database.clone()).await
    }

    async fn on(database: String) -> Self {
        let server = harness::servers::shared::database().await;
        let process = ServiceProcess::of_program(env!("CARGO_BIN_EXE_service-order").as_ref())
            .with_env("SPRING_DATASOURCE_URL", format!("jdbc:{}", server.url_of(&database)));
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        process.start();
        process.wait_ready().await;
        Self { process, database, http }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.http.get(self.url(path)).send().await).await
    }

    /// Asks again while the database is too busy to answer. A failure that comes at once is no such thing: a deadlock,
    /// say, that was not tried again.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = answer(self.http.post(self.url(path)).json(body).send().await).await;
            let busy = code(&answer).1 == "DATABASE_UNAVAILABLE" && asked.elapsed() > BUSY;
            if !busy || begun.elapsed() > BUSY_LIMIT {
                return answer;
            }
        }
    }

    /// A POST with this body and content type, as they are.
    pub(crate) async fn post_raw(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let request = self.http.post(self.url(path)).header("content-type", content_type).body(body);
        answer(request.send().await).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.process.url())
    }

    pub(crate) async fn create(&self, order: &SagaOrder) -> Answer {
        self.post(CREATE, &json!(order)).await
    }

    pub(crate) async fn confirm(&self, order: &SagaOrder) -> Answer {
        self.post(CONFIRM, &json!(order)).await
    }

    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post(CANCEL, &json!({"order": order, "reason": reason})).await
    }

    /// The saga's order as it is read.
    pub(crate) async fn row(&self, saga: &SagaId) -> Value {
        let (status, body) = self.get(&format!("/api/orders/by-saga/{saga}")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Status and reason of the saga's order.
    pub(crate) async fn state(&self, saga: &SagaId) -> (String, Option<String>) {
        let row = self.row(saga).await;
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        (text("status").expect("a status"), text("reason"))
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

/// The answer of a create and a confirm that are done.
pub(crate) fn done(order: &SagaOrder) -> Answer {
    (200, json!({"orderId": order.order_id}))
}

/// The answer of a cancel that is done.
pub(crate) fn undone() -> Answer {
    (200, json!({"status": "CANCELLED"}))
}

/// That the saga was undone, with this first reason.
#[track_caller]
pub(crate) fn assert_cancelled(answer: &Answer, reason: &str) {
    assert_eq!(code(answer), (409, "SAGA_CANCELLED"), "{answer:?}");
    assert_eq!(answer.1["reason"], reason);
}

/// A new saga's order.
pub(crate) fn order() -> SagaOrder {
    let place = json!({"customerId": 7, "productId": 3, "quantity": 2, "amount": 1981});
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
