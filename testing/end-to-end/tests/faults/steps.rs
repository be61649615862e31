//! The saga's steps as a table, with orders that come by each of them.

use std::time::Duration;

use end_to_end::{Reply, Service, World};
use harness::faults::{Call, HttpProxy, Rule};
use harness::wait;
use serde_json::{Value, json};

/// How long one order may take from its start to its end, faults and a busy machine included.
pub(crate) const ORDER_LIMIT: Duration = Duration::from_secs(180);

/// How an order ends that nothing but its card or its customer stands in the way of.
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
}

/// One call of the saga.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) service: Service,
    pub(crate) path: &'static str,
    /// How an order ends that comes by this step.
    pub(crate) ending: Ending,
}

/// All calls: forward ones first, undos after them.
pub(crate) const STEPS: [Step; 9] = [
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
pub(crate) fn named(name: &str) -> Step {
    STEPS.into_iter().find(|step| step.name == name).expect("a step of the saga")
}

impl Step {
    /// The proxy that its calls go through.
    pub(crate) fn proxy(self, world: &World) -> &HttpProxy {
        match self.service {
            Service::Order => &world.to_order,
            Service::Inventory => &world.to_inventory,
            Service::Payment => &world.to_payment,
            Service::Orchestrator => panic!("the orchestrator has no steps"),
        }
    }

    /// A rule for this order's calls of this step.
    pub(crate) fn rule(self, world: &World, key: &str) -> Rule {
        Rule::on("POST", &format!("^{}$", self.path)).with_body(&world.saga(key))
    }

    /// This order's calls of this step so far.
    pub(crate) fn calls(self, world: &World, key: &str) -> Vec<Call> {
        let saga = world.saga(key);
        let calls = self.proxy(world).calls_to(self.path).into_iter();
        calls.filter(|call| call.text().contains(&saga)).collect()
    }

    /// This order's calls of this step that a rule has caught, as soon as they have all ended.
    pub(crate) async fn struck(self, world: &World, key: &str) -> Vec<Call> {
        wait::until_some(&format!("{key}: the proxy to be done"), ORDER_LIMIT, async || {
            let struck: Vec<_> = self.calls(world, key).into_iter().filter(|call| call.fault.is_some()).collect();
            struck.iter().all(|call| call.ended).then_some(struck)
        })
        .await
    }
}

/// One piece of product 1, paid by this method.
pub(crate) fn one_piece(method: &str) -> Value {
    json!({"customerId": 1, "productId": 1, "quantity": 1, "amount": 10000, "paymentMethod": method})
}

/// The order's last word: as a client is told to do, it asks again under the same key until there is one.
pub(crate) async fn last_answer(world: &World, key: &str, body: &Value) -> Reply {
    wait::until_some(&format!("{key}: the order's end"), ORDER_LIMIT, async || {
        let reply = world.place(key, body).await;
        (reply.status != 202 && reply.code() != "TEMPORAL_UNAVAILABLE").then_some(reply)
    })
    .await
}

/// Places an order without waiting for its end; asks again, as a client is told to, if it only may have started.
pub(crate) async fn begin(world: &World, key: &str, body: &Value) {
    let reply = wait::until_some(&format!("{key}: the order to start"), ORDER_LIMIT, async || {
        let reply = world.place_async(key, body).await;
        (reply.code() != "TEMPORAL_UNAVAILABLE").then_some(reply)
    })
    .await;
    assert_eq!(reply.status, 202, "{key}: {reply:?}");
}

/// The answer to a DELETE; asks again, as a client is told to, while nothing is decided.
pub(crate) async fn cancel(world: &World, key: &str) -> Reply {
    wait::until_some(&format!("{key}: the cancel to be decided"), ORDER_LIMIT, async || {
        let reply = world.cancel(key).await;
        (reply.status != 503).then_some(reply)
    })
    .await
}

/// Waits until the payment's row says so.
pub(crate) async fn payment_is(world: &World, key: &str, status: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    wait::until(&format!("{key}: payment {status}"), ORDER_LIMIT, async || {
        world.get(&url).await.text("status") == status
    })
    .await;
}

/// Places an order that ends so by itself, and waits for its end.
pub(crate) async fn run_to_end(world: &World, key: &str, ending: Ending) -> Reply {
    let body = one_piece(match ending {
        Ending::Confirmed => "CARD",
        Ending::Declined => "CARD_DECLINED",
        // Longer than any test: the cancel always comes before the approval.
        Ending::Cancelled => "CARD_APPROVED_AFTER_3600S",
    });
    if ending == Ending::Cancelled {
        begin(world, key, &body).await;
        payment_is(world, key, "APPROVING").await;
        assert_eq!(cancel(world, key).await.status, 202, "{key}: DELETE");
    }
    last_answer(world, key, &body).await
}
