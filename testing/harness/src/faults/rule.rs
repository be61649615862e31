//! The rules of the proxy: which calls get a fault, and which fault.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use regex::Regex;
use tokio::sync::watch;

/// The fault for a call that a [`Rule`] catches.
#[derive(Clone, Debug)]
pub enum Action {
    /// Closes the connection without forwarding.
    Refuse,
    /// Forwards, waits for the reply, and closes the connection without an answer.
    LoseReply,
    /// Forwards twice in sequence, and answers with the second reply.
    Twice,
    /// Forwards twice at the same time, waits for both replies, and answers with one of them.
    TwiceInParallel,
    /// Forwards after this delay, even if the client has disconnected by then.
    DelayRequest(Duration),
    /// Forwards immediately, and answers after this delay.
    DelayReply(Duration),
    /// Forwards when the gate opens, even if the client has disconnected by then.
    HoldRequest(Gate),
    /// Forwards immediately, and answers when the gate opens.
    HoldReply(Gate),
    /// Answers with this status, body and content type, without forwarding.
    Status(u16, String, &'static str),
    /// Forwards, and answers 200 with an HTML page instead of the reply.
    Garbage,
    /// Forwards, and answers with the first half of the reply's body: valid HTTP, but incomplete JSON.
    TornReply,
}

impl Action {
    /// Answers with this status and an empty `text/plain` body, without forwarding.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, String::new(), "text/plain")
    }

    /// Answers with this status and an `application/problem+json` body with this code, without forwarding.
    #[must_use]
    pub fn problem(status: u16, code: &str) -> Self {
        let body = serde_json::json!({ "type": "about:blank", "status": status, "code": code });
        Self::Status(status, body.to_string(), "application/problem+json")
    }
}

/// Catches calls by method, path, body and count, and applies one [`Action`] to them.
#[derive(Clone, Debug)]
pub struct Rule {
    method: String,
    path: Regex,
    body: String,
    first: u64,
    last: u64,
    seen: u64,
    action: Action,
}

impl Rule {
    /// A rule for this method (`*` for any) and this regular expression, which is matched against the path and query.
    /// It catches every matching call; [`first`](Self::first) and [`nth`](Self::nth) limit it. Without
    /// [`then`](Self::then) the action is [`Action::Refuse`].
    ///
    /// # Panics
    /// Panics if `path` is not a regular expression.
    #[must_use]
    pub fn on(method: &str, path: &str) -> Self {
        let path = Regex::new(path).unwrap_or_else(|error| panic!("{error}"));
        Self {
            method: method.to_owned(),
            path,
            body: String::new(),
            first: 1,
            last: u64::MAX,
            seen: 0,
            action: Action::Refuse,
        }
    }

    /// Limits the rule to calls with this text in the body, such as a saga's id.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        self.body = text.to_owned();
        self
    }

    /// Limits the rule to the first `count` matching calls.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        (self.first, self.last) = (1, count);
        self
    }

    /// Limits the rule to the n-th matching call, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        (self.first, self.last) = (n, n);
        self
    }

    /// Sets the action.
    #[must_use]
    pub fn then(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// Counts the call if it matches. Returns the action if the rule catches the call.
    fn catch(&mut self, method: &str, path: &str, body: &Bytes) -> Option<Action> {
        let matches = (self.method == "*" || self.method == method)
            && self.path.is_match(path)
            && String::from_utf8_lossy(body).contains(&self.body);
        self.seen += u64::from(matches);
        (matches && (self.first..=self.last).contains(&self.seen)).then(|| self.action.clone())
    }
}

/// The action of the first rule that catches the call. Each rule counts all matching calls, even those that an earlier
/// rule catches.
pub(super) fn action_for(rules: &mut [Rule], method: &str, path: &str, body: &Bytes) -> Option<Action> {
    let caught: Vec<_> = rules.iter_mut().filter_map(|rule| rule.catch(method, path, body)).collect();
    caught.into_iter().next()
}

/// Holds calls until the test releases them. The test can wait for their arrival.
#[derive(Clone, Default)]
pub struct Gate(Arc<watch::Sender<GateState>>);

#[derive(Default)]
struct GateState {
    arrived: usize,
    open: bool,
}

const ARRIVAL_LIMIT: Duration = Duration::from_secs(180);

impl Gate {
    /// A closed gate. Its clones are the same gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until `count` calls have arrived at the gate.
    ///
    /// # Panics
    /// Panics after three minutes.
    pub async fn wait_arrived(&self, count: usize) {
        let mut state = self.0.subscribe();
        let arrived = state.wait_for(|state| state.arrived >= count);
        let arrived = tokio::time::timeout(ARRIVAL_LIMIT, arrived).await.is_ok();
        assert!(arrived, "waited {ARRIVAL_LIMIT:?} for {count} calls at the gate, but {} arrived", self.arrived());
    }

    /// The number of calls that have arrived at the gate.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.0.borrow().arrived
    }

    /// Opens the gate for the held calls and all later ones.
    pub fn release(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    pub(super) async fn pass(&self) {
        self.0.send_modify(|state| state.arrived += 1);
        // This cannot fail: the gate owns the sender.
        let _ = self.0.subscribe().wait_for(|state| state.open).await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate")
    }
}
