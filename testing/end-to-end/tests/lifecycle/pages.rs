//! The output for operators: the info page, the metrics page and the log.

use end_to_end::steps::ORDER_LIMIT;
use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::wait;

use crate::health::assert_json_log;

/// One line of the metrics page. The labels are unparsed text.
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

/// Parses the page. Panics if it is not in the text format of Prometheus.
fn parse(page: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut typed = std::collections::BTreeSet::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            if let Some(of) = comment.strip_prefix("TYPE ") {
                assert!(
                    typed.insert(of.split(' ').next().unwrap_or_default().to_owned()),
                    "the type is declared twice: {line}"
                );
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("the line has no value: {line}"));
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| {
            (name, rest.strip_suffix('}').unwrap_or_else(|| panic!("the brace is not closed: {line}")))
        });
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        assert!(!name.is_empty() && name.chars().all(allowed), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("the value is not a number: {line}"));
        samples.push(Sample { name: name.to_owned(), labels: labels.to_owned(), value });
    }
    samples
}

/// The sum of the samples with this name and these labels.
fn sum(samples: &[Sample], name: &str, labels: &[&str]) -> f64 {
    let matches = |sample: &&Sample| sample.name == name && labels.iter().all(|label| sample.labels.contains(label));
    samples.iter().filter(matches).map(|sample| sample.value).sum()
}

async fn metrics(system: &TestSystem, service: Service) -> Vec<Sample> {
    let (status, page) = system.process(service).get("/actuator/prometheus").await.expect("the process answers");
    assert_eq!(status, 200);
    parse(&page)
}

const REQUESTS: &str = "http_server_requests_seconds_count";
/// The attempts at steps by outcome, as the orchestrator counts them.
const ATTEMPTS: &str = "saga_step_attempts_total";
/// The requests for steps by outcome, as the services count them.
const STEP_REQUESTS: &str = "saga_step_requests_total";

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_requests_steps_connections_and_gateway_calls() {
    let system = TestSystem::start().await;
    assert_eq!(system.place("measured-1", &order()).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.place("measured-2", &order_paid_by("CARD_DECLINED")).await.status, 402);

    // The SDK counts a workflow only after Temporal knows that it has ended. The client may be answered before that.
    let api = wait::until_some("both workflows to be counted", ORDER_LIMIT, async || {
        let api = metrics(&system, Service::Orchestrator).await;
        (sum(&api, "temporal_workflow_completed_total", &[]) >= 2.0).then_some(api)
    })
    .await;
    let route = r#"uri="/api/temporal/orders""#;
    assert_eq!(sum(&api, REQUESTS, &[route, r#"method="POST""#, r#"status="200""#]), 1.0);
    assert_eq!(sum(&api, REQUESTS, &[route, r#"method="POST""#, r#"status="402""#]), 1.0);
    assert!(api.iter().any(|sample| sample.name.starts_with("temporal_")), "the page has no metrics of the SDK");
    for name in ["temporal_worker_task_slots_available", "temporal_num_pollers"] {
        assert!(sum(&api, name, &[]) > 0.0, "{name}");
    }
    for step in ["order.create", "stock.reserve", "payment.pay", "order.confirm", "stock.confirm"] {
        let label = format!(r#"step="{step}""#);
        assert!(sum(&api, ATTEMPTS, &[&label, r#"outcome="done""#]) >= 1.0, "{step} at the orchestrator");
    }
    assert!(sum(&api, ATTEMPTS, &[r#"step="payment.pay""#, r#"outcome="PAYMENT_DECLINED""#]) >= 1.0);

    let steps: [(Service, &[(&str, &str)]); 3] = [
        (Service::Order, &[("order.create", "done"), ("order.confirm", "done"), ("order.cancel", "done")]),
        (Service::Inventory, &[("stock.reserve", "done"), ("stock.confirm", "done"), ("stock.release", "done")]),
        (Service::Payment, &[("payment.pay", "done"), ("payment.pay", "PAYMENT_DECLINED"), ("payment.cancel", "done")]),
    ];
    for (service, steps) in steps {
        let page = metrics(&system, service).await;
        for (step, outcome) in steps {
            let labels = [format!(r#"step="{step}""#), format!(r#"outcome="{outcome}""#)];
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            assert!(sum(&page, STEP_REQUESTS, &labels) >= 1.0, "{service:?} {step} {outcome}");
        }
        assert!(sum(&page, REQUESTS, &["/steps/", r#"status="200""#]) >= 2.0, "{service:?}");
        assert!(sum(&page, "db_pool_connections", &[r#"state="idle""#]) >= 1.0, "{service:?}");
        assert!(page.iter().any(|s| s.name == "db_pool_connections" && s.labels.contains(r#"state="used""#)));
    }
    let payment = metrics(&system, Service::Payment).await;
    assert!(sum(&payment, "gateway_calls_total", &[r#"call="approve""#]) >= 2.0);
    assert!(sum(&payment, "gateway_call_seconds_count", &[r#"call="approve""#]) >= 2.0);
    system.wait_until_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_counted_under_one_name() {
    let system = TestSystem::start().await;
    for number in 0..5 {
        let url = format!("{}/nothing/{number}", system.api());
        assert_eq!(system.get(&url).await.status_and_code(), (404, "NOT_FOUND"));
    }
    let page = metrics(&system, Service::Orchestrator).await;
    assert_eq!(sum(&page, REQUESTS, &[r#"uri="UNKNOWN""#, r#"status="404""#]), 5.0);
    assert!(!page.iter().any(|sample| sample.labels.contains("nothing")));
}

#[tokio::test(flavor = "multi_thread")]
async fn info_names_the_program_and_the_log_has_one_json_object_per_line() {
    let system = TestSystem::start().await;
    assert_eq!(system.place("logged-1", &order()).await.status_and_code(), (200, "CONFIRMED"));
    system.wait_until_finished().await;
    for service in Service::ALL {
        let process = system.process(service);
        let info = system.get(&format!("{}/actuator/info", process.url())).await;
        assert_eq!((info.status, info.json["app"]["name"].as_str()), (200, Some(service.program())));
        assert!(info.json["app"]["version"].as_str().is_some_and(|version| !version.is_empty()));
        assert_json_log(process);
        let saga = system.saga("logged-1");
        assert!(process.log().lines().any(|line| line.contains(&saga)), "{service:?} does not log the saga id");
    }
}
