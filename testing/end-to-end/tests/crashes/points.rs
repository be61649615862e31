//! The points of an order at which something happens to it: right before and right after each step's effect.

use std::time::Duration;

use checker::Books;
use end_to_end::{Reply, Service, World, WorldBuilder};
use futures::{StreamExt, stream};
use harness::faults::{Action, Call, Gate, HttpProxy, Rule};
use harness::wait;
use serde_json::{Value, json};

/// How long one order may take from its start to its end, crashes and a busy machine included.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Orders on their way to their points at once.
const AT_ONCE: usize = 12;

/// How an order ends if nobody else cancels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Paid.
    Confirmed,
    /// The card is declined.
    Declined,
    /// The customer cancels while the card network thinks.
    Cancelled,
}

impl Ending {
    /// Status and code of the client's answer.
    pub(crate) fn answer(self) -> (u16, &'static str) {
        match self {
            Self::Confirmed => (200, "CONFIRMED"),
            Self::Declined => (402, "PAYMENT_DECLINED"),
            Self::Cancelled => (409, "CANCELLED_BY_CUSTOMER"),
        }
    }

    /// One piece of product 1, paid so that it ends so.
    pub(crate) fn body(self) -> Value {
        one_piece(match self {
            Self::Confirmed => "CARD",
            Self::Declined => "CARD_DECLINED",
            // Longer than any test: the cancel always comes before the approval.
            Self::Cancelled => "CARD_APPROVED_AFTER_3600S",
        })
    }
}

/// One piece of product 1, paid by this method.
pub(crate) fn one_piece(method: &str) -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000, "paymentMethod": method})
}

/// Before or after a step's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The call is on its way.
    Before,
    /// The effect is there, its answer is on its way.
    After,
}

/// A point of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// The step's name.
    pub(crate) step: &'static str,
    pub(crate) side: Side,
    /// How an order ends that comes by this step.
    pub(crate) ending: Ending,
    service: Service,
    path: &'static str,
}

/// Every point of every step, in the order in which an order comes by them.
pub(crate) fn points() -> Vec<Point> {
    use Ending::{Cancelled, Confirmed, Declined};
    let steps = [
        ("order.create", Service::Order, "/api/orders/steps/create", Confirmed),
        ("stock.reserve", Service::Inventory, "/api/inventory/steps/reserve", Confirmed),
        ("payment.pay", Service::Payment, "/api/payments/steps/pay", Confirmed),
        ("order.confirm", Service::Order, "/api/orders/steps/confirm", Confirmed),
        ("stock.confirm", Service::Inventory, "/api/inventory/steps/confirm", Confirmed),
        ("payment.cancel", Service::Payment, "/api/payments/steps/cancel", Declined),
        ("payment.settle", Service::Payment, "/api/payments/steps/settle", Cancelled),
        ("stock.release", Service::Inventory, "/api/inventory/steps/release", Declined),
        ("order.cancel", Service::Order, "/api/orders/steps/cancel", Declined),
    ];
    let both = |(step, service, path, ending)| {
        [Side::Before, Side::After].map(move |side| Point { step, side, ending, service, path })
    };
    steps.into_iter().flat_map(both).collect()
}

impl Point {
    /// Is the money taken, for good, once an order is at this point?
    pub(crate) fn is_paid(self) -> bool {
        match self.step {
            "payment.pay" => self.side == Side::After,
            "order.confirm" | "stock.confirm" => true,
            _ => false,
        }
    }

    /// The order `name`, all of whose calls of this step will be held at this point.
    pub(crate) fn order(self, world: &World, name: &str) -> Order {
        let key = format!("{name}-{}-{:?}", self.step.replace('.', "-"), self.side);
        let gate = Gate::new();
        let hold = match self.side {
            Side::Before => Action::HoldRequest(gate.clone()),
            Side::After => Action::HoldReply(gate.clone()),
        };
        let rule = Rule::on("POST", &format!("^{}$", self.path)).with_body(&world.saga(&key));
        self.proxy(world).add(rule.then(hold));
        Order { point: self, key, gate }
    }

    fn proxy(self, world: &World) -> &HttpProxy {
        match self.service {
            Service::Order => &world.to_order,
            Service::Inventory => &world.to_inventory,
            Service::Payment => &world.to_payment,
            Service::Orchestrator => panic!("the orchestrator has no steps"),
        }
    }
}

/// An order that is held at a point.
pub(crate) struct Order {
    pub(crate) point: Point,
    pub(crate) key: String,
    gate: Gate,
}

impl Order {
    /// Places it and waits until it is at its point.
    pub(crate) async fn reach(&self, world: &World) {
        place(world, &self.key, &self.body()).await;
        self.arrive(world).await;
    }

    /// Waits until it is at its point.
    pub(crate) async fn arrive(&self, world: &World) {
        if self.point.ending == Ending::Cancelled {
            payment_is(world, &self.key, "APPROVING").await;
            assert_eq!(delete(world, &self.key).await.status, 202, "{}: DELETE", self.key);
        }
        self.held(1).await;
    }

    /// Waits until it is at its point, and the step runs as a regular activity: the quick tries are over.
    pub(crate) async fn is_handed_over(&self) {
        self.held(3).await;
    }

    async fn held(&self, calls: usize) {
        wait::until(&format!("{}: {calls} held calls", self.key), LIMIT, async || self.gate.arrived() >= calls).await;
    }

    /// Lets everything go on that is held.
    pub(crate) fn release(&self) {
        self.gate.release();
    }

    pub(crate) fn body(&self) -> Value {
        self.point.ending.body()
    }

    /// The calls of its step so far.
    pub(crate) fn calls(&self, world: &World) -> Vec<Call> {
        let saga = world.saga(&self.key);
        let calls = self.point.proxy(world).calls_to(self.point.path).into_iter();
        calls.filter(|call| call.text().contains(&saga)).collect()
    }

    /// Fails unless the order's last word is what its card and customer want.
    pub(crate) async fn assert_ended_as_meant(&self, world: &World) {
        let reply = last_answer(world, &self.key, &self.body()).await;
        assert_eq!(reply.brief(), self.point.ending.answer(), "{}", self.key);
    }
}

/// The order's last word: as a client is told to do, it asks again under the same key until there is one.
pub(crate) async fn last_answer(world: &World, key: &str, body: &Value) -> Reply {
    wait::until_some(&format!("{key}: the order's end"), LIMIT, async || {
        let reply = world.place(key, body).await;
        (reply.status != 202 && reply.status != 503).then_some(reply)
    })
    .await
}

/// Places an order, which the client repeats until it is taken: Temporal may be slow to answer on a busy machine.
pub(crate) async fn place(world: &World, key: &str, body: &Value) {
    let taken = async || world.place_async(key, body).await.status == 202;
    wait::until(&format!("{key}: to be taken"), LIMIT, taken).await;
}

/// The answer to a DELETE that the client repeats until it is told something.
pub(crate) async fn delete(world: &World, key: &str) -> Reply {
    wait::until_some(&format!("{key}: an answer to its DELETE"), LIMIT, async || {
        let reply = world.cancel(key).await;
        (reply.status != 503).then_some(reply)
    })
    .await
}

/// Waits until the payment's row says so.
pub(crate) async fn payment_is(world: &World, key: &str, status: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    let is = async || world.get(&url).await.text("status") == status;
    wait::until(&format!("{key}: payment {status}"), LIMIT, is).await;
}

/// A world in which no order meets its deadline, however slow the machine is.
pub(crate) fn patient() -> WorldBuilder {
    World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
}

/// An order at each point.
pub(crate) fn orders(world: &World, name: &str) -> Vec<Order> {
    points().into_iter().map(|point| point.order(world, name)).collect()
}

/// Brings every order to its point.
pub(crate) async fn reach(world: &World, orders: &[Order]) {
    stream::iter(orders).for_each_concurrent(AT_ONCE, |order| order.reach(world)).await;
}

/// Everything that stands in the databases, but for what time alone changes.
pub(crate) async fn books(world: &World) -> String {
    let books = Books::read(&world.addresses).await.expect("the books can be read");
    format!("{books:#?}").lines().filter(|line| !line.contains("effective:")).collect::<Vec<_>>().join("\n")
}

/// Kills the orchestrator and starts it again.
pub(crate) async fn crash(world: &World) {
    world.process(Service::Orchestrator).kill().await;
    world.process(Service::Orchestrator).start();
    world.process(Service::Orchestrator).wait_up().await;
}

/// Waits until all has settled; fails unless each order has ended as meant.
pub(crate) async fn settled_as_meant(world: &World, orders: &[Order]) {
    futures::future::join_all(orders.iter().map(|order| order.assert_ended_as_meant(world))).await;
    let confirmed = orders.iter().filter(|order| order.point.ending == Ending::Confirmed).count();
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, orders.len() - confirmed), "{report}");
    let sold = i64::try_from(confirmed).expect("a small number");
    assert_eq!(world.stock(1).await, (100 - sold, 0));
}
