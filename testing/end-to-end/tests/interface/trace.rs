//! Each request has one trace, which appears in the log of every program that the request reaches.

use end_to_end::{Service, TestSystem, order};
use serde_json::Value;

use crate::client::Request;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// The request lines of a log, as JSON.
fn requests(log: &str) -> impl Iterator<Item = Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["span"]["name"] == "request")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_logs_the_trace_the_request_id_and_the_saga_id_of_a_request() {
    let system = TestSystem::start().await;
    let request = Request::post(Service::Orchestrator, "/api/temporal/orders", order().to_string())
        .header("Idempotency-Key", system.key("traced-order"))
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .header("X-Request-ID", "shop-request-4711");
    let answer = request.send(&system).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, "shop-request-4711"), "{}", answer.text);

    for service in Service::ALL {
        let log = system.process(service).log();
        let traced: Vec<Value> = requests(&log).filter(|line| line["span"]["trace_id"] == TRACE).collect();
        assert!(!traced.is_empty(), "{service:?} has no line of the trace:\n{log}");
        for line in &traced {
            let span = &line["span"];
            assert_eq!(
                (&span["request_id"], &span["saga_id"]),
                (&"shop-request-4711".into(), &system.saga("traced-order").into())
            );
            assert_ne!(span["span_id"], SPAN, "{service:?} uses the span of the client");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_orchestrator_sends_the_trace_and_the_request_id_to_the_services() {
    let system = TestSystem::start().await;
    let request = Request::post(Service::Orchestrator, "/api/temporal/orders", order().to_string())
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .header("X-Request-ID", "shop-request-4712");
    assert_eq!(request.send(&system).await.status, 200);

    for proxy in [&system.to_order, &system.to_inventory, &system.to_payment] {
        let calls = proxy.calls();
        assert!(!calls.is_empty());
        for call in calls {
            let header =
                |name: &str| call.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            assert!(header("traceparent").starts_with(&format!("00-{TRACE}-")), "{call}");
            assert!(header("traceparent").ends_with("-01") && header("x-request-id") == "shop-request-4712", "{call}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_invalid_request_id_is_replaced() {
    let system = TestSystem::start().await;
    for id in [None, Some("has blanks in it"), Some(""), Some("<script>alert(1)</script>")] {
        let mut request = Request::get(Service::Inventory, "/api/inventory/products");
        if let Some(id) = id {
            request = request.header("X-Request-ID", id).header("traceparent", "00-nonsense-01");
        }
        let answer = request.send(&system).await;
        assert_eq!((answer.status, answer.header("x-request-id").len()), (200, 36), "{id:?}");
    }
}
