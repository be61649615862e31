//! The steps of the saga, an order that runs each of them, and a client that retries as the API asks it to.

use std::time::Duration;

use common::contract::{inventory, order, payment};
use harness::faults::{Call, HttpProxy, Rule};
use harness::wait;
use orchestrator_temporal::table::{self, Kind, Stage};
use serde_json::{Value, json};

use crate::{Reply, Service, TestSystem};

/// The time limit of one order from its start to its end, including faults, crashes and a slow machine.
pub const ORDER_LIMIT: Duration = Duration::from_secs(180);

/// The outcome of an order that meets no faults. Only its card and its customer decide the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The card is charged.
    Confirmed,
    /// The card is declined.
    Declined,
    /// The customer cancels the order while the payment gateway processes the payment.
    Cancelled,
}

impl Outcome {
    /// The status and the code of the client's answer.
    pub fn expected_answer(self) -> (u16, &'static str) {
        match self {
            Self::Confirmed => (200, "CONFIRMED"),
            Self::Declined => (402, "PAYMENT_DECLINED"),
            Self::Cancelled => (409, "CANCELLED_BY_CUSTOMER"),
        }
    }

    /// An order of one unit of product 1 whose payment method leads to this outcome.
    #[must_use]
    pub fn order(self) -> Value {
        one_unit_paid_by(match self {
            Self::Confirmed => "CARD",
            Self::Declined => "CARD_DECLINED",
            // This is longer than any test, so the cancellation always comes before the approval.
            Self::Cancelled => "CARD_APPROVED_AFTER_3600S",
        })
    }
}

/// One step of the saga, with what the tests need in addition to its row in the orchestrator's table.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The step in the orchestrator's table.
    pub id: table::Step,
    /// The name in Temporal's history, such as `payment.pay`.
    pub name: &'static str,
    /// When the step runs.
    pub stage: Stage,
    /// How the step ends.
    pub kind: Kind,
    /// The service that performs the step.
    pub service: Service,
    /// The path of its POST request.
    pub path: &'static str,
    /// The outcome of an order that runs this step.
    pub outcome: Outcome,
}

/// All steps of the orchestrator's table, in the same order.
pub const STEPS: [Step; table::Step::ALL.len()] = {
    let mut steps = [step(table::Step::OrderCreate); table::Step::ALL.len()];
    let mut i = 0;
    while i < steps.len() {
        steps[i] = step(table::Step::ALL[i]);
        i += 1;
    }
    steps
};

const fn step(id: table::Step) -> Step {
    let (service, path, outcome) = match id {
        table::Step::OrderCreate => (Service::Order, order::CREATE, Outcome::Confirmed),
        table::Step::StockReserve => (Service::Inventory, inventory::RESERVE, Outcome::Confirmed),
        table::Step::PaymentPay => (Service::Payment, payment::PAY, Outcome::Confirmed),
        table::Step::OrderConfirm => (Service::Order, order::CONFIRM, Outcome::Confirmed),
        table::Step::StockConfirm => (Service::Inventory, inventory::CONFIRM, Outcome::Confirmed),
        table::Step::PaymentCancel => (Service::Payment, payment::CANCEL, Outcome::Declined),
        table::Step::PaymentVoid => (Service::Payment, payment::VOID, Outcome::Cancelled),
        table::Step::StockRelease => (Service::Inventory, inventory::RELEASE, Outcome::Declined),
        table::Step::OrderCancel => (Service::Order, order::CANCEL, Outcome::Declined),
    };
    let row = id.row();
    Step { id, name: row.name, stage: row.stage, kind: row.kind, service, path, outcome }
}

/// The step with this name.
pub fn step_named(name: &str) -> Step {
    STEPS.into_iter().find(|step| step.name == name).expect("a step of the saga")
}

impl Step {
    /// The proxy between the orchestrator and the service that performs this step.
    pub fn proxy(self, system: &TestSystem) -> &HttpProxy {
        match self.service {
            Service::Order => &system.to_order,
            Service::Inventory => &system.to_inventory,
            Service::Payment => &system.to_payment,
            Service::Orchestrator => panic!("the orchestrator has no steps"),
        }
    }

    /// A rule that matches the calls to this step for this order.
    pub fn rule(self, system: &TestSystem, key: &str) -> Rule {
        Rule::on("POST", &format!("^{}$", self.path)).with_body(&system.saga(key))
    }

    /// The calls to this step for this order so far.
    pub fn calls(self, system: &TestSystem, key: &str) -> Vec<Call> {
        let saga = system.saga(key);
        let calls = self.proxy(system).calls_to(self.path).into_iter();
        calls.filter(|call| call.text().contains(&saga)).collect()
    }
}

/// An order of one unit of product 1, paid with this method.
pub fn one_unit_paid_by(method: &str) -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000, "paymentMethod": method})
}

/// Places the order, and repeats the request with the same key until the answer is final.
pub async fn final_answer(system: &TestSystem, key: &str, body: &Value) -> Reply {
    wait::until_some(&format!("a final answer for the order {key}"), ORDER_LIMIT, async || {
        let reply = system.place(key, body).await;
        (reply.status != 202 && reply.status != 503).then_some(reply)
    })
    .await
}

/// Places the order without waiting until it ends. Repeats the request until the order has certainly started.
pub async fn start_order(system: &TestSystem, key: &str, body: &Value) {
    let what = format!("the order {key} to start");
    let reply = retry_temporary_errors(&what, async || system.place_async(key, body).await).await;
    assert_eq!(reply.status, 202, "{key}: {reply:?}");
}

/// Sends a DELETE for the order, and repeats it until the cancellation is decided.
pub async fn cancel_order(system: &TestSystem, key: &str) -> Reply {
    let what = format!("a decision about the cancel of {key}");
    retry_temporary_errors(&what, async || system.cancel(key).await).await
}

async fn retry_temporary_errors(what: &str, send: impl AsyncFn() -> Reply) -> Reply {
    wait::until_some(what, ORDER_LIMIT, async || {
        let reply = send().await;
        (reply.status != 503 && reply.code() != "ORDER_CONFLICT").then_some(reply)
    })
    .await
}

/// Waits until the payment has this status.
pub async fn wait_for_payment_status(system: &TestSystem, key: &str, status: &str) {
    let url = format!("{}/api/payments/by-saga/{}", system.process(Service::Payment).url(), system.saga(key));
    wait::until(&format!("the payment of {key} to be {status}"), ORDER_LIMIT, async || {
        system.get(&url).await.text("status") == status
    })
    .await;
}

/// Waits until only this order counts as stuck at this step. Panics if GET or the list of stuck orders disagrees.
pub async fn wait_until_stuck(system: &TestSystem, key: &str, step: &str) {
    wait_until_stuck_within(ORDER_LIMIT, system, key, step).await;
}

/// The same as [`wait_until_stuck`], with a different time limit.
pub async fn wait_until_stuck_within(limit: Duration, system: &TestSystem, key: &str, step: &str) {
    wait::until("the metric to count one stuck order", limit, async || system.stuck_metric().await == "1").await;
    assert_eq!(system.follow(key).await.json["stuck"], true, "{key}");
    let list = system.get(&format!("{}/api/temporal/orders/stuck", system.api())).await.json;
    assert_eq!((&list[0]["workflowId"], &list[0]["step"]), (&json!(system.saga(key)), &json!(step)), "{list}");
}
