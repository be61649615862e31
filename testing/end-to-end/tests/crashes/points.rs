//! The points of an order at which something happens to it: right before and right after each step's effect.

use checker::Books;
use end_to_end::steps::{Ending, ORDER_LIMIT, STEPS, Step, begin, cancel, last_answer, payment_is};
use end_to_end::{Service, World, WorldBuilder};
use futures::{StreamExt, stream};
use harness::faults::{Action, Call, Gate};
use harness::wait;
use serde_json::Value;

/// Orders on their way to their points at once.
const AT_ONCE: usize = 12;

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
    pub(crate) step: Step,
    pub(crate) side: Side,
}

/// Every point of every step, in the order in which an order comes by them.
pub(crate) fn points() -> Vec<Point> {
    let both = |step| [Side::Before, Side::After].map(|side| Point { step, side });
    STEPS.into_iter().flat_map(both).collect()
}

impl Point {
    /// Is the money taken, for good, once an order is at this point?
    pub(crate) fn is_paid(self) -> bool {
        match self.step.name {
            "payment.pay" => self.side == Side::After,
            "order.confirm" | "stock.confirm" => true,
            _ => false,
        }
    }

    /// Is it a call on the way to the payment, or the payment's own?
    pub(crate) fn is_forward(self) -> bool {
        matches!(self.step.name, "order.create" | "stock.reserve" | "payment.pay")
    }

    /// The order `name`, all of whose calls of this step will be held at this point.
    pub(crate) fn order(self, world: &World, name: &str) -> Order {
        let key = format!("{name}-{}-{:?}", self.step.name.replace('.', "-"), self.side);
        let gate = Gate::new();
        let hold = match self.side {
            Side::Before => Action::HoldRequest(gate.clone()),
            Side::After => Action::HoldReply(gate.clone()),
        };
        self.step.proxy(world).add(self.step.rule(world, &key).then(hold));
        Order { point: self, key, gate }
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
        begin(world, &self.key, &self.body()).await;
        self.arrive(world).await;
    }

    /// Waits until it is at its point.
    pub(crate) async fn arrive(&self, world: &World) {
        if self.point.step.ending == Ending::Cancelled {
            payment_is(world, &self.key, "APPROVING").await;
            assert_eq!(cancel(world, &self.key).await.status, 202, "{}: DELETE", self.key);
        }
        self.held(1).await;
        if self.point.is_paid() {
            // What is held may be the answer to a second try, which was told that the first one is at it.
            payment_is(world, &self.key, "APPROVED").await;
        }
    }

    /// Waits until it is at its point, and the step runs as a regular activity: the quick tries are over.
    pub(crate) async fn is_handed_over(&self) {
        self.held(3).await;
    }

    async fn held(&self, calls: usize) {
        wait::until(&format!("{}: {calls} held calls", self.key), ORDER_LIMIT, async || self.gate.arrived() >= calls)
            .await;
    }

    /// Lets everything go on that is held.
    pub(crate) fn release(&self) {
        self.gate.release();
    }

    pub(crate) fn body(&self) -> Value {
        self.point.step.ending.body()
    }

    /// The calls of its step so far.
    pub(crate) fn calls(&self, world: &World) -> Vec<Call> {
        self.point.step.calls(world, &self.key)
    }

    /// Fails unless the order's last word is what its card and customer want.
    pub(crate) async fn assert_ended_as_meant(&self, world: &World) {
        let reply = last_answer(world, &self.key, &self.body()).await;
        assert_eq!(reply.brief(), self.point.step.ending.answer(), "{}", self.key);
    }
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
    let confirmed = orders.iter().filter(|order| order.point.step.ending == Ending::Confirmed).count();
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, orders.len() - confirmed), "{report}");
    let sold = i64::try_from(confirmed).expect("a small number");
    assert_eq!(world.stock(1).await, (100 - sold, 0));
}
