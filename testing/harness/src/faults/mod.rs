//! An HTTP proxy between the orchestrator and a service. It injects faults by rules and records every call.

mod call;
mod rule;
mod serve;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::call::{Call, Reply};
pub use self::rule::{Action, Gate, Rule};

use crate::http::{self, HttpClient};

/// An HTTP/1.1 proxy in front of one service, with keep-alive on both sides. Without a [`Rule`] it forwards every call.
///
/// If the service cannot be reached, the proxy closes the client's connection without an answer. A call that a rule
/// caught continues even if its client disconnects. Without a rule the proxy disconnects from the service, too.
///
/// ```no_run
/// # async fn example(payments_url: &str) {
/// use harness::faults::{Action, Gate, HttpProxy, Rule};
/// use std::time::Duration;
///
/// let proxy = HttpProxy::start(payments_url).await;
/// proxy.add(Rule::on("POST", "/confirm$").first(5).then(Action::status(500)));
/// let gate = Gate::new();
/// proxy.add(Rule::on("POST", "/pay$").nth(1).then(Action::HoldRequest(gate.clone())));
/// // … place an order with SERVICES_PAYMENT_URL = proxy.url(); then:
/// gate.wait_arrived(1).await;
/// proxy.wait_for("the payment's undo", Duration::from_secs(30), |call| call.path.ends_with("/cancel")).await;
/// gate.release(); // the payment arrives after its undo
/// # }
/// ```
pub struct HttpProxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    /// `host:port` of the service.
    target: Mutex<String>,
    rules: Mutex<Vec<Rule>>,
    calls: watch::Sender<Vec<Call>>,
    client: HttpClient,
}

impl HttpProxy {
    /// Starts a proxy in front of the service at `url`, such as `http://127.0.0.1:21082`.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("127.0.0.1 has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let state = Arc::new(State {
            target: Mutex::new(authority(url)),
            rules: Mutex::new(Vec::new()),
            calls: watch::Sender::new(Vec::new()),
            client: http::client(),
        });
        let accepting = tokio::spawn(serve::accept(listener, Arc::clone(&state)));
        Self { port, state, accepting }
    }

    /// `http://127.0.0.1:<port>`, for the orchestrator's `SERVICES_…_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends all further calls to the service at another URL.
    pub fn set_target(&self, url: &str) {
        *self.state.target.lock().expect("nothing panics while it holds the target") = authority(url);
    }

    /// Adds a rule. If several rules catch a call, the first one applies.
    pub fn add(&self, rule: Rule) {
        self.state.rules().push(rule);
    }

    /// Removes all rules. Calls that a rule already holds or delays are not affected.
    pub fn clear_rules(&self) {
        self.state.rules().clear();
    }

    /// All calls so far, in order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.borrow().clone()
    }

    /// The calls so far whose path contains `part`.
    #[must_use]
    pub fn calls_to(&self, part: &str) -> Vec<Call> {
        self.state.calls.borrow().iter().filter(|call| call.path.contains(part)).cloned().collect()
    }

    /// Deletes the records of all calls that have ended.
    pub fn forget_calls(&self) {
        self.state.calls.send_modify(|calls| calls.retain(|call| !call.ended));
    }

    /// Waits until a call meets the condition, and returns the first such call. The condition is checked for earlier
    /// calls, when a call arrives, at each reply from the service, and when a call ends.
    pub async fn wait_for(&self, what: &str, limit: Duration, condition: impl Fn(&Call) -> bool) -> Call {
        let mut calls = self.state.calls.subscribe();
        let found = calls.wait_for(|calls| calls.iter().any(&condition));
        match tokio::time::timeout(limit, found).await {
            Ok(found) => {
                let calls = found.expect("the proxy has the sender");
                calls.iter().find(|call| condition(call)).cloned().expect("a call was just found")
            }
            Err(_) => panic!("no call within {limit:?}: {what}; calls so far:\n{}", self.summary()),
        }
    }

    /// One line per call so far, for panic messages.
    #[must_use]
    pub fn summary(&self) -> String {
        self.state.calls.borrow().iter().map(|call| format!("{call}\n")).collect()
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().expect("nothing panics while it holds the rules")
    }
}

fn authority(url: &str) -> String {
    let (_, authority) = url.split_once("://").expect("a service's URL begins with http://");
    authority.trim_end_matches('/').to_owned()
}
