//! Load: customers place random orders and repeat each request with the same key until the order finishes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::{Reply, Service, TestSystem};

/// A product with more units than any test sells.
pub const PLENTY: i64 = 501;
/// A product with so few units that it sells out soon.
pub const SCARCE: i64 = 502;
const PRICE: i64 = 100;
/// The pause between two requests about one order.
const PAUSE: Duration = Duration::from_millis(200);

/// The answers that a customer may receive while a dependency is unavailable: method, status, and code or order status.
const EXPECTED_ANSWERS: [&str; 25] = [
    "POST 200 CONFIRMED",
    "POST 202 PENDING",
    "POST 402 PAYMENT_DECLINED",
    "POST 409 INSUFFICIENT_STOCK",
    "POST 409 CANCELLED_BY_CUSTOMER",
    "POST 409 DEADLINE_EXCEEDED",
    "POST 422 UNKNOWN_PRODUCT",
    "POST 422 AMOUNT_MISMATCH",
    "POST 503 TEMPORAL_UNAVAILABLE",
    "GET 200 PENDING",
    "GET 200 CONFIRMED",
    "GET 200 CANCELLED",
    "GET 503 TEMPORAL_UNAVAILABLE",
    "GET 503 SERVICE_UNAVAILABLE",
    "GET 503 DATABASE_UNAVAILABLE",
    "DELETE 200 CANCELLED",
    "DELETE 202 PENDING",
    "DELETE 404 NOT_FOUND",
    "DELETE 409 ORDER_ALREADY_PAID",
    "DELETE 503 TEMPORAL_UNAVAILABLE",
    "DELETE 503 SERVICE_UNAVAILABLE",
    "DELETE 503 DATABASE_UNAVAILABLE",
    "DELETE 503 GATEWAY_UNAVAILABLE",
    "POST 503 OVERLOADED",
    "POST 503 DATABASE_UNAVAILABLE",
];

/// Adds the products that the customers order.
pub async fn add_products(system: &TestSystem) {
    let products = format!("{}/api/inventory/products", system.process(Service::Inventory).url());
    for (id, quantity) in [(PLENTY, 1_000_000), (SCARCE, 8)] {
        let product = json!({"productId": id, "name": "Soap", "price": PRICE, "quantity": quantity});
        assert_eq!(system.post(&products, &product).await.status, 201);
    }
}

/// What kinds of orders the customers place, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct LoadProfile {
    /// The payment methods. Each has its share of all orders, in percent.
    pub methods: &'static [(&'static str, u32)],
    /// The share of orders that inventory refuses, in percent: sold out, unknown product or wrong amount.
    pub refused_percent: u32,
    /// The share of orders that are followed by a DELETE at a random moment, in percent.
    pub cancelled_percent: u32,
    /// The share of orders that are placed without waiting until they end, in percent.
    pub async_percent: u32,
    /// The longest pause between two orders of one customer.
    pub max_pause: Duration,
    /// The time limit for one order to finish.
    pub order_limit: Duration,
}

/// The load on one test system, and what its customers have seen so far.
#[derive(Default)]
pub struct Load {
    stop: AtomicBool,
    finished: AtomicUsize,
    open: AtomicUsize,
    answers: Mutex<BTreeMap<String, u32>>,
    outcomes: Mutex<BTreeMap<String, u32>>,
}

impl Load {
    /// A load without customers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells all customers to stop after their current order.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// The number of orders that the customers saw finish.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.finished.load(Ordering::SeqCst)
    }

    /// The number of orders that the customers wait for.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The number of finished orders per outcome. The outcome is CONFIRMED or the code of the refusal.
    #[must_use]
    pub fn outcomes(&self) -> BTreeMap<String, u32> {
        self.outcomes.lock().expect("nothing panics while it holds the outcomes").clone()
    }

    /// The number of times that each answer was received.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<String, u32> {
        self.answers.lock().expect("nothing panics while it holds the answers").clone()
    }

    /// The answers that no customer may receive. A 503 with the code `also_allowed` is not one of them.
    #[must_use]
    pub fn unexpected_answers(&self, also_allowed: Option<&str>) -> Vec<String> {
        let allowed = |answer: &str| also_allowed.is_some_and(|code| answer.ends_with(&format!(" 503 {code}")));
        let expected =
            |answer: &str| EXPECTED_ANSWERS.contains(&answer) || allowed(answer) || answer.ends_with(" no answer");
        self.answers().into_keys().filter(|answer| !expected(answer)).collect()
    }

    /// Runs one customer, who places orders until [`stop`](Self::stop). The name of each customer must be unique.
    ///
    /// # Panics
    /// Panics if an order does not finish within its time limit.
    pub async fn customer(&self, system: &TestSystem, name: &str, seed: u64, profile: LoadProfile) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut number = 0;
        while !self.stop.load(Ordering::SeqCst) {
            number += 1;
            let key = format!("{name}-{number:05}");
            let order = RandomOrder::new(&mut rng, profile);
            self.open.fetch_add(1, Ordering::SeqCst);
            let (outcome, ()) =
                tokio::join!(self.run_order(system, &key, &order, profile), self.cancel_order(system, &key, &order));
            if order.repeated && outcome == "CONFIRMED" {
                // The checker compares the answer to the repeated request with the order.
                self.run_order(system, &key, &order, profile).await;
            }
            *self.outcomes.lock().expect("nothing panics while it holds the outcomes").entry(outcome).or_default() += 1;
            self.open.fetch_sub(1, Ordering::SeqCst);
            self.finished.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(profile.max_pause.mul_f64(rng.random_range(0.0..1.0))).await;
        }
    }

    /// Places the order, and repeats the request with the same key until the order finishes. Returns its outcome.
    async fn run_order(&self, system: &TestSystem, key: &str, order: &RandomOrder, profile: LoadProfile) -> String {
        let outcome = async {
            loop {
                let reply = match order.is_async {
                    true => system.try_place_async(key, &order.body).await,
                    false => system.try_place(key, &order.body).await,
                };
                match self.count_answer("POST", reply) {
                    Some(reply) if reply.status == 202 => break self.follow_to_end(system, key).await,
                    Some(reply) if reply.status < 500 => break reply.status_and_code().1.to_owned(),
                    reply => tokio::time::sleep(retry_after(reply.as_ref())).await,
                }
            }
        };
        match tokio::time::timeout(profile.order_limit, outcome).await {
            Ok(outcome) => outcome,
            Err(_) => panic!("order {key} did not finish within {:?}; all answers: {self}", profile.order_limit),
        }
    }

    /// Reads the order repeatedly until it finishes. Returns its outcome.
    async fn follow_to_end(&self, system: &TestSystem, key: &str) -> String {
        loop {
            tokio::time::sleep(PAUSE).await;
            let reply = self.count_answer("GET", system.try_follow(key).await);
            if let Some(reply) = reply.filter(|reply| reply.status == 200 && reply.text("status") != "PENDING") {
                let outcome = if reply.text("status") == "CONFIRMED" { "CONFIRMED" } else { reply.code() };
                return outcome.to_owned();
            }
        }
    }

    async fn cancel_order(&self, system: &TestSystem, key: &str, order: &RandomOrder) {
        if let Some(delay) = order.cancel_after {
            tokio::time::sleep(delay).await;
            self.count_answer("DELETE", system.try_cancel(key).await);
        }
    }

    fn count_answer(&self, method: &str, reply: Option<Reply>) -> Option<Reply> {
        let answer = reply.as_ref().map_or_else(
            || "no answer".to_owned(),
            |reply| {
                let code_or_status = if reply.status < 300 { reply.text("status") } else { reply.code() };
                format!("{} {code_or_status}", reply.status)
            },
        );
        let mut answers = self.answers.lock().expect("nothing panics while it holds the answers");
        *answers.entry(format!("{method} {answer}")).or_default() += 1;
        reply
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders finished, {} open", self.finished(), self.open())?;
        self.answers().iter().try_for_each(|(answer, count)| write!(f, ", {count} × {answer}"))
    }
}

fn retry_after(reply: Option<&Reply>) -> Duration {
    let seconds = reply.and_then(|reply| reply.retry_after.as_deref()?.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs)
}

/// One order, and what its customer does with it.
struct RandomOrder {
    body: Value,
    is_async: bool,
    repeated: bool,
    cancel_after: Option<Duration>,
}

impl RandomOrder {
    fn new(rng: &mut StdRng, profile: LoadProfile) -> Self {
        let mut chance = |percent: u32| rng.random_range(0..100) < percent;
        let (is_async, repeated) = (chance(profile.async_percent), chance(20));
        let (refused, cancelled) = (chance(profile.refused_percent), chance(profile.cancelled_percent));
        let quantity = rng.random_range(1..=3);
        let (product, amount) = match (refused, rng.random_range(0..3)) {
            (false, _) => (PLENTY, quantity * PRICE),
            (true, 0) => (PLENTY, quantity * PRICE + 1),
            (true, 1) => (999, PRICE),
            (true, _) => (SCARCE, quantity * PRICE),
        };
        let method = method(profile.methods, rng.random_range(0..100));
        let cancel_after = cancelled.then(|| Duration::from_millis(rng.random_range(0..4000)));
        let body = json!({
            "customerId": rng.random_range(1..1000), "productId": product, "quantity": quantity, "amount": amount,
            "paymentMethod": method,
        });
        Self { body, is_async, repeated, cancel_after }
    }
}

fn method(methods: &'static [(&'static str, u32)], mut number: u32) -> &'static str {
    for (method, percent) in methods {
        if number < *percent {
            return method;
        }
        number -= percent;
    }
    "CARD"
}
