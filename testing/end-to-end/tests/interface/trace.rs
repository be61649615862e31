//! One request is one trace, in the log of every program that it comes to.

use end_to_end::{Service, World, order};
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
async fn a_request_is_found_by_its_trace_its_id_and_its_saga_in_the_log_of_every_program() {
    let world = World::start().await;
    let request = Request::post(Service::Orchestrator, "/api/temporal/orders", order().to_string())
        .header("Idempotency-Key", world.key("traced-order"))
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .header("X-Request-ID", "shop-request-4711");
    let answer = request.send(&world).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, "shop-request-4711"), "{}", answer.text);

    for service in Service::ALL {
        let log = world.process(service).log();
        let traced: Vec<Value> = requests(&log).filter(|line| line["span"]["trace_id"] == TRACE).collect();
        assert!(!traced.is_empty(), "{service:?} has no line of the trace:\n{log}");
        for line in &traced {
            let span = &line["span"];
            assert_eq!(
                (&span["request_id"], &span["saga_id"]),
                (&"shop-request-4711".into(), &world.saga("traced-order").into())
            );
            assert_ne!(span["span_id"], SPAN, "each hop has a span of its own");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_goes_on_in_what_the_orchestrator_sends() {
    let world = World::start().await;
    let request = Request::post(Service::Orchestrator, "/api/temporal/orders", order().to_string())
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .header("X-Request-ID", "shop-request-4712");
    assert_eq!(request.send(&world).await.status, 200);

    for proxy in [&world.to_order, &world.to_inventory, &world.to_payment] {
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
async fn a_request_without_an_id_gets_one_and_a_strange_one_is_replaced() {
    let world = World::start().await;
    for id in [None, Some("has blanks in it"), Some(""), Some("<script>alert(1)</script>")] {
        let mut request = Request::get(Service::Inventory, "/api/inventory/products");
        if let Some(id) = id {
            request = request.header("X-Request-ID", id).header("traceparent", "00-nonsense-01");
        }
        let answer = request.send(&world).await;
        assert_eq!((answer.status, answer.header("x-request-id").len()), (200, 36), "{id:?}");
    }
}
