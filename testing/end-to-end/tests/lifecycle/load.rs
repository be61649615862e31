//! Clients that place orders without a pause, each on a new connection, and record the result of each request.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use end_to_end::TestSystem;
use end_to_end::steps::ORDER_LIMIT;
use harness::wait;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The product that the clients order. [`add_product`] adds it.
const PRODUCT: i64 = 77;

/// One request for an order, and its result.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The name of its key, for [`TestSystem::follow`].
    pub(crate) key: String,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
    pub(crate) result: Result<Answer, ConnectionError>,
}

impl Attempt {
    /// Whether the order was accepted.
    pub(crate) fn is_accepted(&self) -> bool {
        self.result.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 202))
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) has_location: bool,
    /// Whether the program closes the connection after this answer.
    pub(crate) closes: bool,
}

/// How a connection failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ConnectionError {
    /// No process listens, so the client knows that no order was started.
    Refused,
    /// The connection failed in another way, for example by a reset.
    Broken(String),
}

impl ConnectionError {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = source {
            let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            if error.is_connect() && kind == Some(ErrorKind::ConnectionRefused) {
                return Self::Refused;
            }
            source = cause.source();
        }
        Self::Broken(format!("{error:?}"))
    }
}

/// A group of running clients.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<Attempt>>>,
}

/// Adds a product with more units than the clients can buy.
pub(crate) async fn add_product(system: &TestSystem) {
    let url = format!("{}/api/inventory/products", system.process(end_to_end::Service::Inventory).url());
    let product = json!({"productId": PRODUCT, "name": "Pin", "price": 1, "quantity": 1_000_000});
    assert_eq!(system.post(&url, &product).await.status, 201);
}

impl Load {
    /// Starts one client for each payment method. The clients place orders until [`Load::stop`].
    pub(crate) fn start(system: &TestSystem, methods: &[&str]) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let http = Client::builder().timeout(Duration::from_secs(180)).pool_max_idle_per_host(0).no_proxy().build();
        let http = http.expect("an HTTP client can be made");
        let clients = methods.iter().enumerate().map(|(number, method)| {
            let (stop, answered, http) = (Arc::clone(&stop), Arc::clone(&answered), http.clone());
            let url = format!("{}/api/temporal/orders", system.api());
            let suffix = system.key("");
            let body =
                json!({"customerId": 1, "productId": PRODUCT, "quantity": 1, "amount": 1, "paymentMethod": method});
            tokio::spawn(async move {
                let mut attempts = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let key = format!("load-{number}-{}", attempts.len());
                    let request = http.post(&url).header("Idempotency-Key", format!("{key}{suffix}")).json(&body);
                    let attempt = attempt(key, request).await;
                    if attempt.result.is_ok() {
                        answered.fetch_add(1, Ordering::SeqCst);
                    } else {
                        // The client waits before it tries to connect again.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    attempts.push(attempt);
                }
                attempts
            })
        });
        let clients = clients.collect();
        Self { stop, answered, clients }
    }

    /// Waits until this many more requests have been answered.
    pub(crate) async fn wait_for_answers(&self, answers: usize) {
        let goal = self.answered.load(Ordering::SeqCst) + answers;
        harness::wait::until("the requests to be answered", Duration::from_secs(180), async || {
            self.answered.load(Ordering::SeqCst) >= goal
        })
        .await;
    }

    /// Stops the clients after their current request.
    pub(crate) async fn stop(self) -> Vec<Attempt> {
        self.stop.store(true, Ordering::SeqCst);
        let mut attempts = Vec::new();
        for client in self.clients {
            attempts.extend(client.await.expect("a client does not panic"));
        }
        attempts
    }
}

async fn attempt(key: String, request: reqwest::RequestBuilder) -> Attempt {
    let started = Instant::now();
    let answer = async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let has_location = headers.contains_key("location");
        let closes = headers.get("connection").is_some_and(|value| value == "close");
        Ok(Answer { status, json: response.json().await?, has_location, closes })
    };
    let result = answer.await.map_err(|error: reqwest::Error| ConnectionError::of(&error));
    Attempt { key, started, ended: Instant::now(), result }
}

/// Panics unless each accepted order ends CONFIRMED with the ids that the client received.
pub(crate) async fn assert_accepted_orders_confirmed(system: &TestSystem, attempts: &[Attempt]) {
    for Attempt { key, result, .. } in attempts {
        let Ok(answer) = result else { continue };
        if !matches!(answer.status, 200 | 202) {
            continue;
        }
        // The rows are final a moment before Temporal knows that the workflow has completed.
        let order = wait::until_some(&format!("the order {key} to end"), ORDER_LIMIT, async || {
            let order = system.follow(key).await;
            (order.text("status") != "PENDING").then_some(order)
        })
        .await;
        assert_eq!((order.status, order.text("status")), (200, "CONFIRMED"), "{key}: {answer:?}");
        for id in ["orderId", "paymentId"] {
            assert_eq!(order.json[id], answer.json[id], "{key}: {answer:?}");
        }
    }
}
