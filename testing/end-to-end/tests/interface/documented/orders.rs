//! The answers of the orders API while all is well, and while the house is full.

use std::time::Duration;

use end_to_end::{Service, World, body, order};
use futures::join;
use harness::wait;
use serde_json::{Value, json};

use super::openapi::Coverage;
use crate::client::{Answer, Request};

const ORDERS: &str = "/api/temporal/orders";
/// Approved long after every deadline.
const NEVER: &str = "CARD_APPROVED_AFTER_3600S";

/// Sends requests to the orders API.
pub(super) struct OrdersApi<'a> {
    pub(super) seen: &'a Coverage,
    pub(super) world: &'a World,
}

impl OrdersApi<'_> {
    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = Request::post(Service::Orchestrator, path, body.to_string());
        self.seen.send(self.world, &request.header("Idempotency-Key", self.world.key(key))).await
    }

    async fn place(&self, key: &str, body: &Value, expected: (u16, &str)) -> Answer {
        let answer = self.post(ORDERS, key, body).await;
        assert_eq!((answer.status, answer.code()), expected, "{key}: {}", answer.text);
        assert_eq!(answer.json["workflowId"], self.world.saga(key), "{}", answer.text);
        answer
    }

    pub(super) async fn send(&self, method: &'static str, key: &str) -> Answer {
        let path = format!("{ORDERS}/{}", self.world.saga(key));
        self.seen.send(self.world, &Request::new(Service::Orchestrator, method, path)).await
    }

    /// Whose key it is, only service-order knows.
    pub(super) async fn another_request_without_service_order(&self) {
        let mut other = order();
        other["customerId"] = json!(2);
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let request = Request::post(Service::Orchestrator, path, other.to_string());
            let request = request.header("Idempotency-Key", self.world.key("documented-1"));
            assert_eq!(self.seen.send(self.world, &request).await.code(), "SERVICE_UNAVAILABLE");
        }
    }

    /// Needs a short wait and a deadline a little longer.
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
        self.place("documented-5", &body("CARD_DECLINED"), (402, "PAYMENT_DECLINED")).await;
        let other = changed("customerId", json!(2));
        self.place("documented-1", &other, (422, "IDEMPOTENCY_KEY_REUSED")).await;
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let bad =
                Request::post(Service::Orchestrator, path, order().to_string()).header("Idempotency-Key", "short");
            assert_eq!(self.seen.send(self.world, &bad).await.code(), "INVALID_IDEMPOTENCY_KEY");
        }
        let reused = self.post("/api/temporal/orders/async", "documented-1", &other).await;
        assert_eq!((reused.status, reused.code()), (422, "IDEMPOTENCY_KEY_REUSED"));
        assert_eq!(self.send("GET", "documented-1").await.json["status"], "CONFIRMED");
        assert_eq!(self.send("DELETE", "documented-1").await.code(), "ORDER_ALREADY_PAID");
        join!(self.cancelled(), self.late());
    }

    async fn cancelled(&self) {
        let accepted = self.post("/api/temporal/orders/async", "documented-6", &body(NEVER)).await;
        assert_eq!((accepted.status, &accepted.json["success"]), (202, &json!(true)));
        assert_eq!(accepted.header("location"), format!("{ORDERS}/{}", self.world.saga("documented-6")));
        assert_eq!(self.send("DELETE", "documented-6").await.status, 202);
        wait::until("the order to be cancelled", Duration::from_secs(30), async || {
            self.send("DELETE", "documented-6").await.status == 200
        })
        .await;
        self.place("documented-6", &body(NEVER), (409, "CANCELLED_BY_CUSTOMER")).await;
    }

    async fn late(&self) {
        self.place("documented-7", &body(NEVER), (202, "")).await;
        wait::until("the deadline to be over", Duration::from_secs(60), async || {
            self.post(ORDERS, "documented-7", &body(NEVER)).await.code() == "DEADLINE_EXCEEDED"
        })
        .await;
    }

    /// Needs room for one order.
    pub(super) async fn full_house(&self) {
        for path in [ORDERS, "/api/temporal/orders/async"] {
            let (first, second) = ("/api/temporal/orders/async", path);
            wait::until("two orders to meet", Duration::from_secs(60), async || {
                let (one, other) = (harness::unique("full-house"), harness::unique("full-house"));
                let slow = body(NEVER);
                let answers = join!(self.post(first, &one, &slow), self.post(second, &other, &slow));
                answers.1.code() == "OVERLOADED" && answers.1.header("retry-after") == "1"
            })
            .await;
        }
    }
}
