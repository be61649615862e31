//! The answers from the three services without faults.

use std::time::Duration;

use end_to_end::{Service, TestSystem};
use futures::future::{Either, select};
use harness::wait;
use serde_json::{Value, json};

use super::openapi::Coverage;
use super::samples::{of_another_request, saga, step};
use crate::client::{Answer, Request};

/// Sends calls to steps and checks the answers.
pub(super) struct Steps<'a> {
    pub(super) coverage: &'a Coverage,
    pub(super) system: &'a TestSystem,
}

impl Steps<'_> {
    pub(super) async fn expect(&self, service: Service, name: &str, order: &Value, status: u16, code: &str) -> Answer {
        let answer = self.coverage.send(self.system, &step(service, name, order)).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{name}: {}", answer.text);
        answer
    }

    pub(super) async fn get(&self, service: Service, path: String, status: u16) -> Answer {
        let answer = self.coverage.send(self.system, &Request::get(service, path)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        answer
    }

    pub(super) async fn orders(&self) {
        let all = ["create", "confirm", "cancel"];
        let order = saga(self.system, "order-steps-1");
        self.expect(Service::Order, "create", &order, 200, "").await;
        for name in all {
            self.expect(Service::Order, name, &of_another_request(&order), 422, "IDEMPOTENCY_KEY_REUSED").await;
        }
        self.expect(Service::Order, "confirm", &order, 200, "").await;
        self.expect(Service::Order, "cancel", &order, 409, "ALREADY_CONFIRMED").await;
        self.get(Service::Order, format!("/api/orders/{}", text(&order, "orderId")), 200).await;
        self.get(Service::Order, format!("/api/orders/by-saga/{}", text(&order, "sagaId")), 200).await;
        self.expect(Service::Order, "create", &saga(self.system, "order-steps-3"), 200, "").await;
        self.get(Service::Order, "/api/orders/unfinished?olderThanSeconds=0".to_owned(), 200).await;
        let order = saga(self.system, "order-steps-2");
        self.expect(Service::Order, "cancel", &order, 200, "").await;
        self.expect(Service::Order, "create", &order, 409, "SAGA_CANCELLED").await;
        self.expect(Service::Order, "confirm", &order, 409, "SAGA_CANCELLED").await;
    }

    pub(super) async fn stock(&self) {
        let order = saga(self.system, "stock-steps-1");
        self.expect(Service::Inventory, "reserve", &order, 200, "").await;
        for name in ["reserve", "confirm", "release"] {
            self.expect(Service::Inventory, name, &of_another_request(&order), 422, "IDEMPOTENCY_KEY_REUSED").await;
        }
        self.get(Service::Inventory, "/api/inventory/unfinished?olderThanSeconds=0".to_owned(), 200).await;
        self.expect(Service::Inventory, "confirm", &order, 200, "").await;
        self.expect(Service::Inventory, "release", &order, 409, "ALREADY_CONFIRMED").await;
        self.get(Service::Inventory, format!("/api/inventory/reservations/{}", text(&order, "sagaId")), 200).await;
        let order = saga(self.system, "stock-steps-2");
        self.expect(Service::Inventory, "release", &order, 200, "").await;
        self.expect(Service::Inventory, "reserve", &order, 409, "SAGA_CANCELLED").await;
        self.expect(Service::Inventory, "confirm", &order, 409, "SAGA_CANCELLED").await;
        for (name, field, value, status, code) in [
            ("stock-steps-3", "productId", 999, 422, "UNKNOWN_PRODUCT"),
            ("stock-steps-4", "amount", 19999, 422, "AMOUNT_MISMATCH"),
        ] {
            let mut order = saga(self.system, name);
            order[field] = json!(value);
            self.expect(Service::Inventory, "reserve", &order, status, code).await;
        }
        let mut order = saga(self.system, "stock-steps-5");
        (order["quantity"], order["amount"]) = (json!(1000), json!(10_000_000));
        self.expect(Service::Inventory, "reserve", &order, 409, "INSUFFICIENT_STOCK").await;
    }

    pub(super) async fn products(&self) {
        const PRODUCTS: &str = "/api/inventory/products";
        let post = async |path: &str, body: Value, status: u16, code: &str| {
            let request = Request::post(Service::Inventory, path, body.to_string());
            let answer = self.coverage.send(self.system, &request).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
            answer
        };
        let product = json!({"productId": 42, "name": "Green tea", "price": 3.35, "quantity": 10});
        let created = post(PRODUCTS, product.clone(), 201, "").await;
        assert_eq!(created.header("location"), "/api/inventory/products/42");
        post(PRODUCTS, product, 200, "").await;
        post(PRODUCTS, json!({"productId": 42, "name": "Black tea", "price": 3.35}), 409, "PRODUCT_EXISTS").await;
        let stock = format!("{PRODUCTS}/42/stock");
        post(&stock, json!({"deliveryId": "delivery-0001", "quantity": 5}), 200, "").await;
        post(&stock, json!({"deliveryId": "delivery-0001", "quantity": 6}), 422, "IDEMPOTENCY_KEY_REUSED").await;
        self.get(Service::Inventory, PRODUCTS.to_owned(), 200).await;
        self.get(Service::Inventory, format!("{PRODUCTS}/42"), 200).await;
    }

    /// Needs a short gateway time-out: after the time-out, the charge stays in the gateway's ledger. Returns an order
    /// whose payment is CANCELLING.
    pub(super) async fn payments(&self) -> Value {
        let order = saga(self.system, "payment-steps-1");
        self.expect(Service::Payment, "pay", &order, 200, "").await;
        for name in ["pay", "cancel", "void"] {
            self.expect(Service::Payment, name, &of_another_request(&order), 422, "IDEMPOTENCY_KEY_REUSED").await;
        }
        self.expect(Service::Payment, "cancel", &order, 409, "ORDER_ALREADY_PAID").await;
        self.expect(Service::Payment, "void", &order, 409, "ORDER_ALREADY_PAID").await;
        self.get(Service::Payment, format!("/api/payments/{}", text(&order, "paymentId")), 200).await;
        self.get(Service::Payment, format!("/api/payments/by-saga/{}", text(&order, "sagaId")), 200).await;
        self.expect(
            Service::Payment,
            "pay",
            &self.paid_by("payment-steps-2", "CARD_DECLINED"),
            402,
            "PAYMENT_DECLINED",
        )
        .await;
        let order = saga(self.system, "payment-steps-3");
        self.expect(Service::Payment, "cancel", &order, 200, "").await;
        self.expect(Service::Payment, "pay", &order, 409, "SAGA_CANCELLED").await;
        self.expect(Service::Payment, "void", &order, 200, "").await;
        let unavailable = self.paid_by("payment-steps-4", "CARD_UNAVAILABLE_3600S");
        self.expect(Service::Payment, "pay", &unavailable, 503, "GATEWAY_UNAVAILABLE").await;
        let order = self.paid_by("payment-steps-5", "CARD_REFUND_FAILS_3600");
        self.expect(Service::Payment, "pay", &order, 503, "GATEWAY_UNAVAILABLE").await;
        self.expect(Service::Payment, "cancel", &order, 200, "").await;
        self.expect(Service::Payment, "void", &order, 503, "GATEWAY_UNAVAILABLE").await;
        self.get(Service::Payment, "/api/payments/unfinished?olderThanSeconds=0".to_owned(), 200).await;
        order
    }

    /// Needs a single gateway permit, and a long gateway time-out.
    pub(super) async fn busy_gateway(&self, cancelling: &Value) {
        wait::until("the permit of the killed process to expire", Duration::from_secs(15), async || {
            let order = saga(self.system, &harness::unique("payment-free"));
            self.coverage.send(self.system, &step(Service::Payment, "pay", &order)).await.status == 200
        })
        .await;
        let slow = self.paid_by("payment-steps-6", "CARD_APPROVED_AFTER_3600S");
        let request = step(Service::Payment, "pay", &slow);
        let pay = std::pin::pin!(self.coverage.send(self.system, &request));
        let others = std::pin::pin!(async {
            let path = format!("/api/payments/by-saga/{}", text(&slow, "sagaId"));
            wait::until("the payment to be APPROVING", Duration::from_secs(15), async || {
                let payment = Request::get(Service::Payment, path.as_str()).send(self.system).await;
                payment.json["status"] == "APPROVING"
            })
            .await;
            self.expect(Service::Payment, "pay", &slow, 409, "IN_PROGRESS").await;
            self.expect(Service::Payment, "void", &slow, 409, "IN_PROGRESS").await;
            wait::until("the only permit to be taken", Duration::from_secs(15), async || {
                let order = saga(self.system, &harness::unique("payment-busy"));
                self.coverage.send(self.system, &step(Service::Payment, "pay", &order)).await.code() == "GATEWAY_BUSY"
            })
            .await;
            self.expect(Service::Payment, "void", cancelling, 503, "GATEWAY_BUSY").await;
        });
        assert!(matches!(select(others, pay).await, Either::Left(_)), "the slow payment ended first");
    }

    fn paid_by(&self, name: &str, method: &str) -> Value {
        let mut order = saga(self.system, name);
        order["paymentMethod"] = json!(method);
        order
    }
}

fn text<'a>(order: &'a Value, field: &str) -> &'a str {
    order[field].as_str().unwrap_or_default()
}
