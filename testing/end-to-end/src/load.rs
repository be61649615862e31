//! Customers: random orders of all kinds, repeated under the same key until each has come to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::{Reply, Service, World};

/// A product of which there are more pieces than any test sells.
pub const PLENTY: i64 = 501;
/// A product that is soon sold out.
pub const SCARCE: i64 = 502;
const PRICE: i64 = 100;
/// Between two looks at an order, and before a request is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// All that a customer may be answered while something is away, after the method.
const ANSWERS: [&str; 25] = [
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

/// Adds the products that customers order.
pub async fn stock_up(world: &World) {
    let products = format!("{}/api/inventory/products", world.process(Service::Inventory).url());
    for (id, quantity) in [(PLENTY, 1_000_000), (SCARCE, 8)] {
        let product = json!({"productId": id, "name": "Soap", "price": PRICE, "quantity": quantity});
        assert_eq!(world.post(&products, &product).await.status, 201);
    }
}

/// What customers do.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Payment methods, and how many of a hundred orders use each.
    pub methods: &'static [(&'static str, u32)],
    /// Of a hundred orders so many are wrong in some other way: sold out, of an unknown product, of another amount.
    pub wrong: u32,
    /// Of a hundred orders so many are followed by a DELETE at a random moment.
    pub cancelled: u32,
    /// Of a hundred orders so many are placed without waiting for their end.
    pub hasty: u32,
    /// The longest pause between two orders of one customer.
    pub pause: Duration,
    /// An order that has not come to its end after this never will.
    pub patience: Duration,
}

/// What has happened so far.
#[derive(Default)]
pub struct Load {
    stop: AtomicBool,
    ended: AtomicUsize,
    open: AtomicUsize,
    answers: Mutex<BTreeMap<String, u32>>,
    ends: Mutex<BTreeMap<String, u32>>,
}

impl Load {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Customers finish the order that they are at, and go.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Orders that a customer has seen end.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    /// Orders that a customer waits for.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// How many orders ended how: CONFIRMED, or with which code.
    #[must_use]
    pub fn ends(&self) -> BTreeMap<String, u32> {
        self.ends.lock().expect("nothing panics while it holds the ends").clone()
    }

    /// How often each answer was given.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<String, u32> {
        self.answers.lock().expect("nothing panics while it holds the answers").clone()
    }

    /// Answers that no customer may ever get, whatever is away; with this code 503 is right, too.
    #[must_use]
    pub fn unlisted(&self, also: Option<&str>) -> Vec<String> {
        let is_also = |answer: &str| also.is_some_and(|code| answer.ends_with(&format!(" 503 {code}")));
        let listed = |answer: &str| ANSWERS.contains(&answer) || is_also(answer) || answer.ends_with(" no answer");
        self.answers().into_keys().filter(|answer| !listed(answer)).collect()
    }

    /// One customer, who places orders until [`stop`](Self::stop); `name` must be of this customer alone.
    ///
    /// # Panics
    /// An order does not come to its end, or its answers contradict each other.
    pub async fn customer(&self, world: &World, name: &str, seed: u64, habits: Habits) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut number = 0;
        while !self.stop.load(Ordering::SeqCst) {
            number += 1;
            let key = format!("{name}-{number:05}");
            let wish = Wish::random(&mut rng, habits);
            self.open.fetch_add(1, Ordering::SeqCst);
            let (end, ()) = tokio::join!(self.order(world, &key, &wish, habits), self.regret(world, &key, &wish));
            if wish.repeated && end == "CONFIRMED" {
                // A repeat contradicts nothing; the checker compares its answer with the order.
                self.order(world, &key, &wish, habits).await;
            }
            *self.ends.lock().expect("nothing panics while it holds the ends").entry(end).or_default() += 1;
            self.open.fetch_sub(1, Ordering::SeqCst);
            self.ended.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(habits.pause.mul_f64(rng.random_range(0.0..1.0))).await;
        }
    }

    /// Places the order, again and again with the same key, until it has come to its end. Returns how it ended.
    async fn order(&self, world: &World, key: &str, wish: &Wish, habits: Habits) -> String {
        let ended = async {
            loop {
                let reply = match wish.hasty {
                    true => world.try_place_async(key, &wish.body).await,
                    false => world.try_place(key, &wish.body).await,
                };
                match self.note("POST", reply) {
                    Some(reply) if reply.status == 202 => break self.watch(world, key).await,
                    Some(reply) if reply.status < 500 => break reply.brief().1.to_owned(),
                    reply => tokio::time::sleep(retry_after(reply.as_ref())).await,
                }
            }
        };
        match tokio::time::timeout(habits.patience, ended).await {
            Ok(end) => end,
            Err(_) => panic!("{key} did not come to its end within {:?}; all answers: {self}", habits.patience),
        }
    }

    /// Looks at an order until it has come to its end.
    async fn watch(&self, world: &World, key: &str) -> String {
        loop {
            tokio::time::sleep(PAUSE).await;
            let reply = self.note("GET", world.try_follow(key).await);
            if let Some(reply) = reply.filter(|reply| reply.status == 200 && reply.text("status") != "PENDING") {
                let end = if reply.text("status") == "CONFIRMED" { "CONFIRMED" } else { reply.code() };
                return end.to_owned();
            }
        }
    }

    async fn regret(&self, world: &World, key: &str, wish: &Wish) {
        if let Some(after) = wish.regret_after {
            tokio::time::sleep(after).await;
            self.note("DELETE", world.try_cancel(key).await);
        }
    }

    fn note(&self, method: &str, reply: Option<Reply>) -> Option<Reply> {
        let what = reply.as_ref().map_or_else(
            || "no answer".to_owned(),
            |reply| {
                let what = if reply.status < 300 { reply.text("status") } else { reply.code() };
                format!("{} {what}", reply.status)
            },
        );
        let mut answers = self.answers.lock().expect("nothing panics while it holds the answers");
        *answers.entry(format!("{method} {what}")).or_default() += 1;
        reply
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders ended, {} open", self.ended(), self.open())?;
        self.answers().iter().try_for_each(|(answer, count)| write!(f, ", {count} × {answer}"))
    }
}

fn retry_after(reply: Option<&Reply>) -> Duration {
    let seconds = reply.and_then(|reply| reply.retry_after.as_deref()?.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs)
}

/// One order as its customer wants it.
struct Wish {
    body: Value,
    hasty: bool,
    repeated: bool,
    regret_after: Option<Duration>,
}

impl Wish {
    fn random(rng: &mut StdRng, habits: Habits) -> Self {
        let mut chance = |percent: u32| rng.random_range(0..100) < percent;
        let (hasty, repeated, wrong, regrets) =
            (chance(habits.hasty), chance(20), chance(habits.wrong), chance(habits.cancelled));
        let quantity = rng.random_range(1..=3);
        let (product, amount) = match (wrong, rng.random_range(0..3)) {
            (false, _) => (PLENTY, quantity * PRICE),
            (true, 0) => (PLENTY, quantity * PRICE + 1),
            (true, 1) => (999, PRICE),
            (true, _) => (SCARCE, quantity * PRICE),
        };
        let method = method(habits.methods, rng.random_range(0..100));
        let regret_after = regrets.then(|| Duration::from_millis(rng.random_range(0..4000)));
        let body = json!({
            "customerId": rng.random_range(1..1000), "productId": product, "quantity": quantity, "amount": amount,
            "paymentMethod": method,
        });
        Self { body, hasty, repeated, regret_after }
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
