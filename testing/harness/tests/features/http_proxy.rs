//! Tests of the HTTP proxy: every fault, and the record of calls.

use std::time::{Duration, Instant};

use harness::faults::{Action, Gate, HttpProxy, Rule};
use harness::process::ServiceProcess;
use harness::wait;

use crate::client::{HttpClient, count, echo};

const LIMIT: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(200);

struct Setup {
    service: ServiceProcess,
    proxy: HttpProxy,
    client: HttpClient,
}

impl Setup {
    async fn new() -> Self {
        let service = echo().await;
        let proxy = HttpProxy::start(&service.url()).await;
        Self { service, proxy, client: HttpClient::new() }
    }

    /// A proxy that applies this action to calls to /pay.
    async fn with(action: Action) -> Self {
        let setup = Self::new().await;
        setup.proxy.add(Rule::on("POST", "/pay$").then(action));
        setup
    }

    async fn post(&self, path: &str) -> Option<(u16, String)> {
        self.client.post(&format!("{}{path}", self.proxy.url()), r#"{"saga":"order-1"}"#).await
    }

    /// Sends a POST and disconnects before an answer can arrive.
    async fn post_and_disconnect(&self, path: &str) {
        assert!(tokio::time::timeout(SHORT, self.post(path)).await.is_err(), "an answer arrived");
    }

    /// The number of calls that the service received before this one.
    async fn effects(&self) -> u64 {
        let (_, reply) = self.service.get("/count").await.expect("the service answers");
        count(&reply) - 1
    }
}

#[tokio::test]
async fn calls_pass_unchanged_and_are_recorded() {
    let setup = Setup::new().await;
    let (status, reply) = setup.post("/pay?x=1").await.expect("the call passes");
    assert_eq!((status, count(&reply)), (200, 1));
    let [call] = &setup.proxy.calls()[..] else { panic!("{}", setup.proxy.summary()) };
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/pay?x=1"));
    assert_eq!(call.json()["saga"], "order-1");
    assert!(call.ended && call.fault.is_none());
    let answer = call.answer.as_ref().expect("the answer is recorded");
    assert_eq!((answer.status, answer.text()), (200, reply));
    assert_eq!(call.effects.len(), 1);
    assert!(call.at <= call.effects[0].at && call.effects[0].at <= answer.at);
    assert_eq!(setup.proxy.calls_to("/cancel").len(), 0);
}

#[tokio::test]
async fn a_refused_call_has_no_effect() {
    let setup = Setup::with(Action::Refuse).await;
    assert_eq!(setup.post("/pay").await, None);
    assert_eq!(setup.effects().await, 0);
    assert!(setup.post("/other").await.is_some());
}

#[tokio::test]
async fn a_call_with_a_lost_reply_has_its_effect() {
    let setup = Setup::with(Action::LoseReply).await;
    assert_eq!(setup.post("/pay").await, None);
    assert_eq!(setup.effects().await, 1);
    let call = &setup.proxy.calls()[0];
    assert!(call.ended && call.answer.is_none() && call.effects.len() == 1);
}

#[tokio::test]
async fn a_call_made_twice_is_answered_with_the_second_reply() {
    let setup = Setup::with(Action::Twice).await;
    let (_, reply) = setup.post("/pay").await.expect("an answer arrives");
    assert_eq!(count(&reply), 2);
    assert_eq!(setup.proxy.calls()[0].effects.len(), 2);
}

#[tokio::test]
async fn a_call_made_twice_in_parallel_reaches_the_service_twice() {
    let setup = Setup::with(Action::TwiceInParallel).await;
    setup.post("/pay").await.expect("an answer arrives");
    assert_eq!(setup.effects().await, 2);
}

#[tokio::test]
async fn a_delayed_request_arrives_even_if_its_client_has_disconnected() {
    let setup = Setup::with(Action::DelayRequest(SHORT * 3)).await;
    let begin = Instant::now();
    setup.post_and_disconnect("/pay").await;
    assert_eq!(setup.effects().await, 0);
    setup.proxy.wait_for("the late payment", LIMIT, |call| call.ended && call.effects.len() == 1).await;
    assert!(begin.elapsed() >= SHORT * 3);
}

#[tokio::test]
async fn a_held_request_arrives_after_its_undo() {
    let gate = Gate::new();
    let setup = Setup::with(Action::HoldRequest(gate.clone())).await;
    setup.post_and_disconnect("/pay").await;
    gate.wait_arrived(1).await;
    let (_, undo) = setup.post("/cancel").await.expect("the undo passes");
    assert_eq!(count(&undo), 1);
    gate.release();
    let call = setup.proxy.wait_for("the late payment", LIMIT, |call| call.path == "/pay" && call.ended).await;
    assert_eq!(count(&call.effects[0].text()), 2);
    assert!(setup.post("/pay").await.is_some(), "an open gate holds nothing");
}

#[tokio::test]
async fn a_call_with_a_held_reply_has_its_effect() {
    let gate = Gate::new();
    let setup = Setup::with(Action::HoldReply(gate.clone())).await;
    let (answer, ()) = tokio::join!(setup.post("/pay"), async {
        gate.wait_arrived(1).await;
        let call = &setup.proxy.calls()[0];
        assert!(!call.ended && call.effects.len() == 1);
        gate.release();
    });
    assert!(answer.is_some());
}

#[tokio::test]
async fn a_delayed_reply_arrives_late() {
    let setup = Setup::with(Action::DelayReply(SHORT)).await;
    let begin = Instant::now();
    assert!(setup.post("/pay").await.is_some());
    assert!(begin.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_status_rule_answers_without_an_effect() {
    let setup = Setup::with(Action::problem(418, "TEAPOT")).await;
    let (status, body) = setup.post("/pay").await.expect("an answer arrives");
    assert_eq!(status, 418);
    assert!(body.contains("TEAPOT"));
    let answer = setup.proxy.calls()[0].answer.clone().expect("the answer is recorded");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(setup.effects().await, 0);
}

#[tokio::test]
async fn calls_with_garbage_or_torn_replies_have_their_effect() {
    let setup = Setup::with(Action::Garbage).await;
    setup.proxy.add(Rule::on("POST", "/torn$").then(Action::TornReply));
    for path in ["/pay", "/torn"] {
        let (status, body) = setup.post(path).await.expect("an answer arrives");
        assert_eq!(status, 200);
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_err(), "{body}");
    }
    assert_eq!(setup.effects().await, 2);
}

#[tokio::test]
async fn rules_match_calls_by_method_path_body_and_count() {
    let setup = Setup::new().await;
    setup.proxy.add(Rule::on("POST", "^/api/.*/pay$").first(2).then(Action::status(500)));
    setup.proxy.add(Rule::on("*", "/pay").nth(3).then(Action::status(501)));
    setup.proxy.add(Rule::on("*", "/pay").with_body("order-2").then(Action::status(502)));
    setup.proxy.add(Rule::on("GET", "/pay").then(Action::status(503)));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(setup.post("/api/x/pay").await.expect("an answer arrives").0);
    }
    assert_eq!(statuses, [500, 500, 501, 200]);
    let url = format!("{}/api/x/pay", setup.proxy.url());
    assert_eq!(setup.client.post(&url, "order-2").await.expect("an answer arrives").0, 502);
    setup.proxy.clear_rules();
    assert_eq!(setup.client.post(&url, "order-2").await.expect("an answer arrives").0, 200);
    setup.proxy.forget_calls();
    assert!(setup.proxy.calls().is_empty());
}

#[tokio::test]
async fn a_call_to_a_dead_service_is_closed_and_a_restarted_service_is_reached_again() {
    let setup = Setup::new().await;
    assert!(setup.post("/pay").await.is_some());
    setup.service.kill().await;
    assert_eq!(setup.post("/pay").await, None);
    setup.service.restart().await;
    setup.service.wait_ready().await;
    assert!(setup.post("/pay").await.is_some());
    let other = echo().await;
    setup.proxy.set_target(&other.url());
    let (_, reply) = setup.post("/pay").await.expect("the other service answers");
    assert_eq!(count(&reply), 1);
}

#[tokio::test]
async fn a_call_without_a_rule_ends_when_its_client_disconnects() {
    let setup = Setup::new().await;
    let hop = harness::proxy::TcpProxy::start(setup.service.url().replace("http://", "")).await;
    setup.proxy.set_target(&format!("http://{}", hop.address()));
    hop.set_mode(harness::proxy::Mode::Hang);
    setup.post_and_disconnect("/pay").await;
    hop.set_mode(harness::proxy::Mode::Pass);
    wait::until("the connection to the service to be closed", LIMIT, async || hop.open_connections() == 0).await;
    assert!(!setup.proxy.calls()[0].ended);
}
