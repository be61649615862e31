//! The running service, and the calls that tests make.

use std::time::{Duration, Instant};

use common::contract::inventory::{CONFIRM, RELEASE, RESERVE};
use common::contract::order::PlaceOrder;
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
    /// Alone on a fresh database with the demo products, ready.
    pub(crate) async fn ready() -> Self {
        let app = Self::new(harness::unique("inventory")).await;
        app.process.start();
        app.process.wait_ready().await;
        app
    }

    /// On this database; not started yet.
    pub(crate) async fn new(database: String) -> Self {
        let server = harness::servers::shared::database().await;
        let process = ServiceProcess::of_program(env!("CARGO_BIN_EXE_service-inventory").as_ref())
            .with_env("SPRING_DATASOURCE_URL", format!("jdbc:{}", server.url_of(&database)));
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        Self { process, database, http }
    }

    /// Another replica on the same database, ready.
    pub(crate) async fn replica(&self) -> Self {
        let app = Self::new(self.database.clone()).await;
        app.process.start();
        app.process.wait_ready().await;
        app
    }

    /// The address of the database, for sqlx.
    pub(crate) async fn database_url(&self) -> String {
        harness::servers::shared::database().await.url_of(&self.database)
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

    pub(crate) async fn reserve(&self, order: &SagaOrder) -> Answer {
        self.post(RESERVE, &json!(order)).await
    }

    pub(crate) async fn confirm(&self, order: &SagaOrder) -> Answer {
        self.post(CONFIRM, &json!(order)).await
    }

    pub(crate) async fn release(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post(RELEASE, &json!({"order": order, "reason": reason})).await
    }

    /// Pieces of a product: here, and promised.
    pub(crate) async fn stock(&self, product: i64) -> (i64, i64) {
        let (status, body) = self.get(&format!("/api/inventory/products/{product}")).await;
        assert_eq!(status, 200, "{body}");
        let number = |name: &str| body[name].as_i64().expect("a number of pieces");
        assert_eq!(number("available"), number("quantity") - number("reserved"));
        (number("quantity"), number("reserved"))
    }

    /// Status and reason of a saga's reservation.
    pub(crate) async fn reservation(&self, saga: &SagaId) -> (String, Option<String>) {
        let (status, body) = self.get(&format!("/api/inventory/reservations/{saga}")).await;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().map(str::to_owned);
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

/// That the saga was undone, with this first reason.
#[track_caller]
pub(crate) fn assert_cancelled(answer: &Answer, reason: &str) {
    assert_eq!(code(answer), (409, "SAGA_CANCELLED"), "{answer:?}");
    assert_eq!(answer.1["reason"], reason);
}

/// A new saga's order.
pub(crate) fn order(product: i64, quantity: i64, amount: &str) -> SagaOrder {
    let place = json!({"customerId": 1, "productId": product, "quantity": quantity,
        "amount": serde_json::from_str::<Value>(amount).expect("a number")});
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
