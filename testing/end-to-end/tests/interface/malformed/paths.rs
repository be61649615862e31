//! Requests with a wrong id, query, method or path.

use end_to_end::Service;

use super::{Case, INVALID};
use crate::client::Request;

const NOT_FOUND: (u16, &str) = (404, "NOT_FOUND");
const WRONG_METHOD: (u16, &str) = (405, "METHOD_NOT_ALLOWED");

/// Invalid workflow ids.
const SAGAS: [&str; 10] = [
    "abc",
    "order-",
    "order-short",
    "ORDER-12345678",
    "12345678",
    "order-has%20a%20blank",
    "order-schl%C3%BCssel",
    "order-12345678%00",
    "order-..%2F..%2Fetc",
    "order-12345678%27--",
];

const PRODUCTS: [&str; 7] = ["0", "-1", "1.5", "abc", "9223372036854775808", "%20", "1%00"];
const UUIDS: [&str; 4] = ["1", "not-a-uuid", "0192d3c4-0000-7000-8000-00000000000g", "%00"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ids();
    cases.extend(queries());
    cases.extend(methods());
    cases
}

fn ids() -> Vec<Case> {
    use Service::{Inventory, Orchestrator, Order, Payment};
    let mut requests = Vec::new();
    let too_long = format!("order-{}", "k".repeat(65));
    for id in SAGAS.into_iter().chain([too_long.as_str()]) {
        for method in ["GET", "DELETE"] {
            requests.push((Request::new(Orchestrator, method, format!("/api/temporal/orders/{id}")), "workflowId"));
        }
        requests.push((Request::get(Order, format!("/api/orders/by-saga/{id}")), "sagaId"));
        requests.push((Request::get(Inventory, format!("/api/inventory/reservations/{id}")), "sagaId"));
        requests.push((Request::get(Payment, format!("/api/payments/by-saga/{id}")), "sagaId"));
    }
    for id in PRODUCTS {
        let path = format!("/api/inventory/products/{id}");
        let stock = Request::post(Inventory, format!("{path}/stock"), r#"{"deliveryId":"delivery-1","quantity":1}"#);
        requests.push((stock, "productId"));
        requests.push((Request::get(Inventory, path), "productId"));
    }
    for id in UUIDS {
        requests.push((Request::get(Order, format!("/api/orders/{id}")), "orderId"));
        requests.push((Request::get(Payment, format!("/api/payments/{id}")), "paymentId"));
    }
    requests.push((Request::get(Orchestrator, "/api/temporal/orders/order-%FF%FE1234"), "workflowId"));
    requests.push((Request::get(Inventory, "/api/inventory/products/%FF"), "productId"));
    requests.into_iter().map(|(request, field)| Case::new("a bad id", request, INVALID, field)).collect()
}

fn queries() -> Vec<Case> {
    let paths = [
        (Service::Order, "/api/orders/unfinished"),
        (Service::Inventory, "/api/inventory/unfinished"),
        (Service::Payment, "/api/payments/unfinished"),
    ];
    let values = ["-1", "1.5", "abc", "", "4294967296", "%FF", "1&olderThanSeconds=2"];
    let requests = paths.into_iter().flat_map(|(service, path)| {
        values.map(|value| Request::get(service, format!("{path}?olderThanSeconds={value}")))
    });
    requests.map(|request| Case::new("a bad query", request, INVALID, "olderThanSeconds")).collect()
}

fn methods() -> Vec<Case> {
    use Service::{Inventory, Orchestrator, Order, Payment};
    let wrong = [
        (Orchestrator, "GET", "/api/temporal/orders"),
        (Orchestrator, "PUT", "/api/temporal/orders"),
        (Orchestrator, "DELETE", "/api/temporal/orders"),
        (Orchestrator, "GET", "/api/temporal/orders/async"),
        (Orchestrator, "POST", "/api/temporal/orders/order-12345678"),
        (Orchestrator, "PATCH", "/api/temporal/orders/order-12345678"),
        (Inventory, "DELETE", "/api/inventory/products"),
        (Inventory, "PUT", "/api/inventory/products/1"),
        (Inventory, "GET", "/api/inventory/products/1/stock"),
        (Order, "POST", "/api/orders/unfinished"),
        (Payment, "GET", "/api/payments/steps/pay"),
    ];
    let unknown = [
        (Orchestrator, "POST", "/"),
        (Orchestrator, "POST", "/api/temporal/orders/"),
        (Orchestrator, "POST", "/api/temporal/order"),
        (Orchestrator, "POST", "/api/temporal/orders/async/x"),
        (Inventory, "POST", "/api/inventory/products/1/stock/x"),
        (Order, "POST", "/api/orders"),
        (Payment, "GET", "/api/payments"),
    ];
    let case = |(service, method, path), refusal| {
        let request = Request { method, ..Request::post(service, path, "{}") };
        Case { about_order: false, ..Case::new("wrong method or path", request, refusal, "") }
    };
    let wrong = wrong.into_iter().map(|target| case(target, WRONG_METHOD));
    wrong.chain(unknown.into_iter().map(|target| case(target, NOT_FOUND))).collect()
}
