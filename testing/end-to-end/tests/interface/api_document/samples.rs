//! Well-formed requests.

use std::sync::atomic::{AtomicU32, Ordering};

use end_to_end::{Service, TestSystem};
use serde_json::{Value, json};

use super::openapi::Operation;
use crate::client::Request;

/// The order of a saga, as the steps receive it.
pub(crate) fn saga(system: &TestSystem, name: &str) -> Value {
    json!({
        "sagaId": system.saga(name), "fingerprint": "a".repeat(64), "orderId": uuid(), "paymentId": uuid(),
        "customerId": 1, "productId": 1, "quantity": 2, "amount": 20000, "paymentMethod": "CARD",
    })
}

/// The same saga with the fingerprint of another request.
pub(crate) fn of_another_request(order: &Value) -> Value {
    let mut order = order.clone();
    order["fingerprint"] = json!("b".repeat(64));
    order
}

pub(crate) fn undo(order: &Value) -> Value {
    json!({"order": order, "reason": "CANCELLED_BY_CUSTOMER"})
}

fn uuid() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("0192f0c1-2a3b-7c4d-8e5f-{:012x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A call to a step.
pub(crate) fn step(service: Service, name: &str, order: &Value) -> Request {
    let resource = match service {
        Service::Order => "orders",
        Service::Inventory => "inventory",
        _ => "payments",
    };
    let body = if ["cancel", "void", "release"].contains(&name) { undo(order) } else { order.clone() };
    Request::post(service, format!("/api/{resource}/steps/{name}"), body.to_string())
}

/// A well-formed request for any operation. Its ids do not exist.
pub(crate) fn sample(system: &TestSystem, operation: &Operation) -> Request {
    let path = operation.path.replace("{productId}", "999").replace("{orderId}", &uuid());
    let unknown = system.saga("unknown-order");
    let path = path.replace("{paymentId}", &uuid()).replace("{sagaId}", &unknown).replace("{workflowId}", &unknown);
    if operation.method != "POST" {
        let method = if operation.method == "GET" { "GET" } else { "DELETE" };
        return Request::new(operation.service, method, path);
    }
    let body = match path.rsplit('/').next().unwrap_or_default() {
        "cancel" | "void" | "release" => undo(&saga(system, &uuid())),
        "create" | "confirm" | "reserve" | "pay" => saga(system, &uuid()),
        "products" => json!({"productId": 500, "name": "Tea", "price": 3.5, "quantity": 1}),
        "stock" => json!({"deliveryId": "delivery-500", "quantity": 1}),
        _ => end_to_end::order(),
    };
    Request::post(operation.service, path, body.to_string())
}
