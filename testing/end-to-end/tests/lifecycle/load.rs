//! Clients that place orders without a pause, each on a new connection, and keep what came of each.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use end_to_end::World;
use end_to_end::steps::ORDER_LIMIT;
use harness::wait;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The product that they order; [`stock_up`] makes it.
const PRODUCT: i64 = 77;

/// What came of one order.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Its key's name, for [`World::follow`].
    pub(crate) key: String,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) result: Result<Answer, Fault>,
}

impl Attempt {
    /// Answered as an order that was taken.
    pub(crate) fn is_fine(&self) -> bool {
        self.result.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 202))
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) has_location: bool,
    /// Does it ask for a new connection the next time?
    pub(crate) closes: bool,
}

/// How a connection failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens: the client knows that nothing was started.
    Refused,
    /// Anything else, such as a reset.
    Broken(String),
}

impl Fault {
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

/// Clients at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<Attempt>>>,
}

/// More pieces than a load can buy.
pub(crate) async fn stock_up(world: &World) {
    let url = format!("{}/api/inventory/products", world.process(end_to_end::Service::Inventory).url());
    let product = json!({"productId": PRODUCT, "name": "Pin", "price": 1, "quantity": 1_000_000});
    assert_eq!(world.post(&url, &product).await.status, 201);
}

impl Load {
    /// Starts clients that place orders, paid by these methods, until [`Load::stop`].
    pub(crate) fn start(world: &World, clients: &[&str]) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let http = Client::builder().timeout(Duration::from_secs(180)).pool_max_idle_per_host(0).no_proxy().build();
        let http = http.expect("an HTTP client can be made");
        let clients = clients.iter().enumerate().map(|(number, method)| {
            let (stop, answered, http) = (Arc::clone(&stop), Arc::clone(&answered), http.clone());
            let url = format!("{}/api/temporal/orders", world.api());
            let suffix = world.key("");
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
                        // Nobody there: a client looks again a little later.
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

    /// Waits until so many more orders have been answered.
    pub(crate) async fn go_on_for(&self, answers: usize) {
        let goal = self.answered.load(Ordering::SeqCst) + answers;
        harness::wait::until("the load to be answered", Duration::from_secs(180), async || {
            self.answered.load(Ordering::SeqCst) >= goal
        })
        .await;
    }

    /// Stops the clients, each after its answer.
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
    let begun = Instant::now();
    let answer = async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let has_location = headers.contains_key("location");
        let closes = headers.get("connection").is_some_and(|value| value == "close");
        Ok(Answer { status, json: response.json().await?, has_location, closes })
    };
    let result = answer.await.map_err(|error: reqwest::Error| Fault::of(&error));
    Attempt { key, begun, ended: Instant::now(), result }
}

/// Each order that was taken is at its end, the one that the client was told.
pub(crate) async fn assert_kept(world: &World, attempts: &[Attempt]) {
    for Attempt { key, result, .. } in attempts {
        let Ok(answer) = result else { continue };
        if !matches!(answer.status, 200 | 202) {
            continue;
        }
        // The rows are settled a moment before the workflow has said so to Temporal.
        let order = wait::until_some(&format!("{key}: its end"), ORDER_LIMIT, async || {
            let order = world.follow(key).await;
            (order.text("status") != "PENDING").then_some(order)
        })
        .await;
        assert_eq!((order.status, order.text("status")), (200, "CONFIRMED"), "{key}: {answer:?}");
        for id in ["orderId", "paymentId"] {
            assert_eq!(order.json[id], answer.json[id], "{key}: {answer:?}");
        }
    }
}
