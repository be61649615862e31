//! The answers from the orders API without faults, and at its in-flight limit.

use std::time::Duration;

use common::contract::order::PlaceOrder;
use end_to_end::{Service, TestSystem, order, order_paid_by};
use futures::join;
use harness::faults::{Action, Rule};
use harness::wait;
use serde_json::{Value, json};

use super::openapi::Coverage;
use super::samples::{saga, step};
use crate::client::{Answer, Request};

const ORDERS: &str = "/api/temporal/orders";
/// The gateway approves this payment long after every deadline.
const NEVER: &str = "CARD_APPROVED_AFTER_3600S";

/// Sends requests to the orders API.
pub(super) struct OrdersApi<'a> {
    pub(super) coverage: &'a Coverage,
    pub(super) system: &'a TestSystem,
}

impl OrdersApi<'_> {
    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = Request::post(Service::Orchestrator, path, body.to_string());
        self.coverage.send(self.system, &request.header("Idempotency-Key", self.system.key(key))).await
    }

    async fn place(&self, key: &str, body: &Value, expected: (u16, &str)) -> Answer {
        let answer = self.post(ORDERS, key, body).await;
        assert_eq!((answer.status, answer.code()), expected, "{key}: {}", answer.text);
        assert_eq!(answer.json["workflowId"], self.system.saga(key), "{}", answer.text);
        answer
    }

    pub(super) async fn send(&self, method: &'static str, key: &str) -> Answer {
        let path = format!("{ORDERS}/{}", self.system.saga(key));
        self.coverage.send(self.system, &Request::new(Service::Orchestrator, method, path)).await
    }

    /// Service-order must be unavailable, because only that service knows whether the key belongs to another request.
    pub(super) async fn reused_key_without_service_order(&self) {
        let mut other = order();
        other["customerId"] = json!(2);
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let request = Request::post(Service::Orchestrator, path, other.to_string());
            let request = request.header("Idempotency-Key", self.system.key("documented-1"));
            assert_eq!(self.coverage.send(self.system, &request).await.code(), "SERVICE_UNAVAILABLE");
        }
    }

    /// Needs a system in which a POST waits only briefly, and in which the deadline is a little longer than that wait.
    pub(super) async fn orders(&self) {
        let changed = |field: &str, value: Value| {
            let mut body = order();
            body[field] = value;
            body
        };
        self.place("documented-1", &order(), (200, "")).await;
        let mut many = changed("quantity", json!(1000));
        many["amount"] = json!(10_000_000);
        self.place("documented-2", &many, (409, "INSUFFICIENT_STOCK")).await;
        self.place("documented-3", &changed("productId", json!(999)), (422, "UNKNOWN_PRODUCT")).await;
        self.place("documented-4", &changed("amount", json!(19999)), (422, "AMOUNT_MISMATCH")).await;
        self.place("documented-5", &order_paid_by("CARD_DECLINED"), (402, "PAYMENT_DECLINED")).await;
        let other = changed("customerId", json!(2));
        self.place("documented-1", &other, (422, "IDEMPOTENCY_KEY_REUSED")).await;
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let bad =
                Request::post(Service::Orchestrator, path, order().to_string()).header("Idempotency-Key", "short");
            assert_eq!(self.coverage.send(self.system, &bad).await.code(), "INVALID_IDEMPOTENCY_KEY");
        }
        let reused = self.post("/api/temporal/orders/async", "documented-1", &other).await;
        assert_eq!((reused.status, reused.code()), (422, "IDEMPOTENCY_KEY_REUSED"));
        assert_eq!(self.send("GET", "documented-1").await.json["status"], "CONFIRMED");
        assert_eq!(self.send("DELETE", "documented-1").await.code(), "ORDER_ALREADY_PAID");
        join!(self.cancelled(), self.late(), self.conflict_of_a_post());
        self.conflict().await;
    }

    /// The payment row belongs to another order, and this saga cannot end, because service-order is unreachable.
    async fn conflict(&self) {
        let key = "documented-8";
        let paid = self.coverage.send(self.system, &step(Service::Payment, "pay", &saga(self.system, key))).await;
        assert_eq!(paid.status, 200, "{}", paid.text);
        self.system.to_order.add(Rule::on("POST", "/steps/").with_body(&self.system.saga(key)).then(Action::Refuse));
        assert_eq!(self.post("/api/temporal/orders/async", key, &order()).await.status, 202);
        let answer = self.send("DELETE", key).await;
        assert_eq!((answer.status, answer.code()), (409, "ORDER_CONFLICT"), "{}", answer.text);
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        self.system.to_order.clear_rules();
    }

    /// The order's row belongs to this request, but the saga of another request with its key is still running.
    async fn conflict_of_a_post(&self) {
        let key = "documented-9";
        let own: PlaceOrder = serde_json::from_value(order()).expect("a well-formed order");
        let mut row = saga(self.system, key);
        row["fingerprint"] = json!(own.fingerprint().as_str());
        let created = self.coverage.send(self.system, &step(Service::Order, "create", &row)).await;
        assert_eq!(created.status, 200, "{}", created.text);
        let release = Rule::on("POST", "/steps/release").with_body(&self.system.saga(key));
        self.system.to_inventory.add(release.then(Action::Refuse));
        let mut other = order();
        other["customerId"] = json!(2);
        assert_eq!(self.post("/api/temporal/orders/async", key, &other).await.status, 202);
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let answer = self.post(path, key, &order()).await;
            assert_eq!((answer.status, answer.code()), (409, "ORDER_CONFLICT"), "{path}: {}", answer.text);
        }
        self.system.to_inventory.clear_rules();
    }

    async fn cancelled(&self) {
        let accepted = self.post("/api/temporal/orders/async", "documented-6", &order_paid_by(NEVER)).await;
        assert_eq!((accepted.status, &accepted.json["success"]), (202, &json!(true)));
        assert_eq!(accepted.header("location"), format!("{ORDERS}/{}", self.system.saga("documented-6")));
        assert_eq!(self.send("DELETE", "documented-6").await.status, 202);
        wait::until("the order to be cancelled", Duration::from_secs(30), async || {
            self.send("DELETE", "documented-6").await.status == 200
        })
        .await;
        self.place("documented-6", &order_paid_by(NEVER), (409, "CANCELLED_BY_CUSTOMER")).await;
    }

    async fn late(&self) {
        self.place("documented-7", &order_paid_by(NEVER), (202, "")).await;
        wait::until("the deadline to pass", Duration::from_secs(60), async || {
            self.post(ORDERS, "documented-7", &order_paid_by(NEVER)).await.code() == "DEADLINE_EXCEEDED"
        })
        .await;
    }

    /// Needs an in-flight limit of one order.
    pub(super) async fn overloaded(&self) {
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let (first, second) = ("/api/temporal/orders/async", path);
            wait::until("two orders at the same time", Duration::from_secs(60), async || {
                let (one, other) = (harness::unique("overloaded"), harness::unique("overloaded"));
                let slow = order_paid_by(NEVER);
                let answers = join!(self.post(first, &one, &slow), self.post(second, &other, &slow));
                answers.1.code() == "OVERLOADED" && answers.1.header("retry-after") == "1"
            })
            .await;
        }
    }
}
