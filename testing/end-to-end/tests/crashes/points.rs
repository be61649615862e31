//! The points of an order at which the tests interrupt it: just before and just after the effect of each step.

use checker::Ledgers;
use end_to_end::steps::{
    ORDER_LIMIT, Outcome, STEPS, Step, cancel_order, final_answer, start_order, wait_for_payment_status,
};
use end_to_end::{Service, TestSystem, TestSystemBuilder};
use futures::{StreamExt, stream};
use harness::faults::{Action, Call, Gate};
use harness::wait;
use orchestrator_temporal::table::{Kind, Stage};
use serde_json::Value;

/// The number of orders that are brought to their points at the same time.
const CONCURRENT_ORDERS: usize = 12;

/// Whether a point is just before or just after the effect of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The call has not reached the service yet.
    Before,
    /// The service has performed the step, and its reply has not reached the orchestrator yet.
    After,
}

/// A point of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) step: Step,
    pub(crate) side: Side,
}

/// Both points of every step, in the order of the steps.
pub(crate) fn points() -> Vec<Point> {
    let both = |step| [Side::Before, Side::After].map(|side| Point { step, side });
    STEPS.into_iter().flat_map(both).collect()
}

impl Point {
    /// Whether an order at this point is paid and can only go forward.
    pub(crate) fn is_paid(self) -> bool {
        match (self.step.stage, self.side) {
            (Stage::Second, Side::After) | (Stage::Third, Side::Before | Side::After) => true,
            (Stage::Second, Side::Before) | (Stage::First | Stage::Undo, Side::Before | Side::After) => false,
        }
    }

    /// Whether the step is the payment or comes before it.
    pub(crate) fn is_forward(self) -> bool {
        match self.step.kind {
            Kind::Compensatable | Kind::Pivot => true,
            Kind::UntilDone => false,
        }
    }

    /// An order that will be held at this point: the proxy holds all its calls to this step.
    pub(crate) fn order(self, system: &TestSystem, name: &str) -> HeldOrder {
        let key = format!("{name}-{}-{:?}", self.step.name.replace('.', "-"), self.side);
        let gate = Gate::new();
        let hold = match self.side {
            Side::Before => Action::HoldRequest(gate.clone()),
            Side::After => Action::HoldReply(gate.clone()),
        };
        self.step.proxy(system).add(self.step.rule(system, &key).then(hold));
        HeldOrder { point: self, key, gate }
    }
}

/// An order that is held at one point.
pub(crate) struct HeldOrder {
    pub(crate) point: Point,
    pub(crate) key: String,
    gate: Gate,
}

impl HeldOrder {
    /// Places the order and waits until it is held at its point.
    pub(crate) async fn reach(&self, system: &TestSystem) {
        start_order(system, &self.key, &self.body()).await;
        self.wait_until_held(system).await;
    }

    /// Waits until the order, which is already placed, is held at its point.
    pub(crate) async fn wait_until_held(&self, system: &TestSystem) {
        if self.point.step.outcome == Outcome::Cancelled {
            wait_for_payment_status(system, &self.key, "APPROVING").await;
            assert_eq!(cancel_order(system, &self.key).await.status, 202, "DELETE of {}", self.key);
        }
        self.wait_for_held_calls(1).await;
        if self.point.is_paid() {
            // The held reply may belong to a second attempt that was answered IN_PROGRESS.
            wait_for_payment_status(system, &self.key, "APPROVED").await;
        }
    }

    /// Waits until a durable attempt of the step is held. It is the third call, after two quick attempts.
    pub(crate) async fn wait_for_durable_attempt(&self) {
        self.wait_for_held_calls(3).await;
    }

    async fn wait_for_held_calls(&self, calls: usize) {
        let what = format!("{calls} held calls of {}", self.key);
        wait::until(&what, ORDER_LIMIT, async || self.gate.arrived() >= calls).await;
    }

    /// Delivers all held calls or replies, and does not hold later ones.
    pub(crate) fn release(&self) {
        self.gate.release();
    }

    pub(crate) fn body(&self) -> Value {
        self.point.step.outcome.order()
    }

    /// The calls to this order's step so far.
    pub(crate) fn calls(&self, system: &TestSystem) -> Vec<Call> {
        self.point.step.calls(system, &self.key)
    }

    /// Panics unless the final answer matches the outcome of the step.
    pub(crate) async fn assert_expected_answer(&self, system: &TestSystem) {
        let reply = final_answer(system, &self.key, &self.body()).await;
        assert_eq!(reply.status_and_code(), self.point.step.outcome.expected_answer(), "{}", self.key);
    }
}

/// A system with a deadline that no order reaches, even on a slow machine.
pub(crate) fn with_long_deadline() -> TestSystemBuilder {
    TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
}

/// One order for each point.
pub(crate) fn orders_at_all_points(system: &TestSystem, name: &str) -> Vec<HeldOrder> {
    points().into_iter().map(|point| point.order(system, name)).collect()
}

/// Places all orders and waits until each is held at its point.
pub(crate) async fn reach_points(system: &TestSystem, orders: &[HeldOrder]) {
    stream::iter(orders).for_each_concurrent(CONCURRENT_ORDERS, |order| order.reach(system)).await;
}

/// The content of all ledgers, without the values that change only with time.
pub(crate) async fn ledgers(system: &TestSystem) -> String {
    let ledgers = Ledgers::read(&system.databases).await.expect("the ledgers can be read");
    format!("{ledgers:#?}").lines().filter(|line| !line.contains("effective:")).collect::<Vec<_>>().join("\n")
}

pub(crate) async fn kill_and_restart_orchestrator(system: &TestSystem) {
    system.process(Service::Orchestrator).kill().await;
    start_orchestrator(system).await;
}

/// Starts the orchestrator and waits until it is UP.
pub(crate) async fn start_orchestrator(system: &TestSystem) {
    system.process(Service::Orchestrator).start();
    system.process(Service::Orchestrator).wait_up().await;
}

/// Waits until all orders have finished. Panics unless each has its expected outcome.
pub(crate) async fn assert_finished_as_expected(system: &TestSystem, orders: &[HeldOrder]) {
    futures::future::join_all(orders.iter().map(|order| order.assert_expected_answer(system))).await;
    let confirmed = orders.iter().filter(|order| order.point.step.outcome == Outcome::Confirmed).count();
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, orders.len() - confirmed), "{report}");
    let sold = i64::try_from(confirmed).expect("the number is small");
    assert_eq!(system.stock(1).await, (100 - sold, 0));
}
