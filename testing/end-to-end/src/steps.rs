//! The saga's steps as a table, with orders that come by each of them, and a client that does as it is told.

use std::time::Duration;

use harness::faults::{Call, HttpProxy, Rule};
use harness::wait;
use serde_json::{Value, json};

use crate::{Reply, Service, World};

/// How long one order may take from its start to its end, faults, crashes and a busy machine included.
pub const ORDER_LIMIT: Duration = Duration::from_secs(180);

/// How an order ends that nothing but its card or its customer stands in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Paid.
    Confirmed,
    /// The card is declined.
    Declined,
    /// The customer cancels while the card network thinks.
    Cancelled,
}

impl Ending {
    /// Status and code of the client's answer.
    pub fn answer(self) -> (u16, &'static str) {
        match self {
            Self::Confirmed => (200, "CONFIRMED"),
            Self::Declined => (402, "PAYMENT_DECLINED"),
            Self::Cancelled => (409, "CANCELLED_BY_CUSTOMER"),
        }
    }

    /// One piece of product 1, paid so that it ends so.
    #[must_use]
    pub fn body(self) -> Value {
        one_piece(match self {
            Self::Confirmed => "CARD",
            Self::Declined => "CARD_DECLINED",
            // Longer than any test: the cancel always comes before the approval.
            Self::Cancelled => "CARD_APPROVED_AFTER_3600S",
        })
    }
}

/// One call of the saga.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// As in Temporal's history: `payment.pay`.
    pub name: &'static str,
    /// Who does it.
    pub service: Service,
    /// Where it is called, by POST.
    pub path: &'static str,
    /// How an order ends that comes by this step.
    pub ending: Ending,
}

/// All calls: forward ones first, undos after them.
pub const STEPS: [Step; 9] = [
    step("order.create", Service::Order, "/api/orders/steps/create", Ending::Confirmed),
    step("stock.reserve", Service::Inventory, "/api/inventory/steps/reserve", Ending::Confirmed),
    step("payment.pay", Service::Payment, "/api/payments/steps/pay", Ending::Confirmed),
    step("order.confirm", Service::Order, "/api/orders/steps/confirm", Ending::Confirmed),
    step("stock.confirm", Service::Inventory, "/api/inventory/steps/confirm", Ending::Confirmed),
    step("payment.cancel", Service::Payment, "/api/payments/steps/cancel", Ending::Declined),
    step("payment.settle", Service::Payment, "/api/payments/steps/settle", Ending::Cancelled),
    step("stock.release", Service::Inventory, "/api/inventory/steps/release", Ending::Declined),
    step("order.cancel", Service::Order, "/api/orders/steps/cancel", Ending::Declined),
];

const fn step(name: &'static str, service: Service, path: &'static str, ending: Ending) -> Step {
    Step { name, service, path, ending }
}

/// The step of this name.
pub fn named(name: &str) -> Step {
    STEPS.into_iter().find(|step| step.name == name).expect("a step of the saga")
}

impl Step {
    /// The proxy that its calls go through.
    pub fn proxy(self, world: &World) -> &HttpProxy {
        match self.service {
            Service::Order => &world.to_order,
            Service::Inventory => &world.to_inventory,
            Service::Payment => &world.to_payment,
            Service::Orchestrator => panic!("the orchestrator has no steps"),
        }
    }

    /// A rule for this order's calls of this step.
    pub fn rule(self, world: &World, key: &str) -> Rule {
        Rule::on("POST", &format!("^{}$", self.path)).with_body(&world.saga(key))
    }

    /// This order's calls of this step so far.
    pub fn calls(self, world: &World, key: &str) -> Vec<Call> {
        let saga = world.saga(key);
        let calls = self.proxy(world).calls_to(self.path).into_iter();
        calls.filter(|call| call.text().contains(&saga)).collect()
    }
}

/// One piece of product 1, paid by this method.
pub fn one_piece(method: &str) -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000, "paymentMethod": method})
}

/// The order's last word: as a client is told to do, it asks again under the same key until there is one.
pub async fn last_answer(world: &World, key: &str, body: &Value) -> Reply {
    wait::until_some(&format!("{key}: the order's end"), ORDER_LIMIT, async || {
        let reply = world.place(key, body).await;
        (reply.status != 202 && reply.status != 503).then_some(reply)
    })
    .await
}

/// Places an order without waiting for its end; asks again, as a client is told to, if it only may have started.
pub async fn begin(world: &World, key: &str, body: &Value) {
    let reply = told(&format!("{key}: the order to start"), async || world.place_async(key, body).await).await;
    assert_eq!(reply.status, 202, "{key}: {reply:?}");
}

/// The answer to a DELETE; asks again, as a client is told to, while nothing is decided.
pub async fn cancel(world: &World, key: &str) -> Reply {
    told(&format!("{key}: the cancel to be decided"), async || world.cancel(key).await).await
}

async fn told(what: &str, ask: impl AsyncFn() -> Reply) -> Reply {
    wait::until_some(what, ORDER_LIMIT, async || {
        let reply = ask().await;
        (reply.status != 503).then_some(reply)
    })
    .await
}

/// Waits until the payment's row says so.
pub async fn payment_is(world: &World, key: &str, status: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    wait::until(&format!("{key}: payment {status}"), ORDER_LIMIT, async || {
        world.get(&url).await.text("status") == status
    })
    .await;
}

/// Waits until this order, alone of all, counts as stuck at this step; fails unless GET and the list say so, too.
pub async fn shows_as_stuck(world: &World, key: &str, step: &str) {
    shows_as_stuck_within(ORDER_LIMIT, world, key, step).await;
}

/// As [`shows_as_stuck`], with a limit of its own.
pub async fn shows_as_stuck_within(limit: Duration, world: &World, key: &str, step: &str) {
    wait::until("the metric to count it", limit, async || world.counted_as_stuck().await == "1").await;
    assert_eq!(world.follow(key).await.json["stuck"], true, "{key}");
    let list = world.get(&format!("{}/api/temporal/orders/stuck", world.api())).await.json;
    assert_eq!((&list[0]["workflowId"], &list[0]["step"]), (&json!(world.saga(key)), &json!(step)), "{list}");
}
