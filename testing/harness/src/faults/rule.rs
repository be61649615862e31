//! Which calls a fault is for, and what it does to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use regex::Regex;
use tokio::sync::watch;

/// What happens to a call that a [`Rule`] catches.
#[derive(Clone, Debug)]
pub enum Action {
    /// Closes the connection before the request has any effect.
    Refuse,
    /// Forwards, waits for the reply, then closes the connection without an answer.
    LoseReply,
    /// Forwards twice, one after the other, and answers with the second reply.
    Twice,
    /// Forwards twice at the same time, and answers with one of the replies when both are there.
    TwiceAtOnce,
    /// Forwards so much later, even if the client has gone away by then.
    DelayRequest(Duration),
    /// Forwards at once, and answers so much later.
    DelayReply(Duration),
    /// Forwards once the gate is open, even if the client has gone away by then.
    HoldRequest(Gate),
    /// Forwards at once, and answers once the gate is open.
    HoldReply(Gate),
    /// Answers so without forwarding: status, body, content type.
    Status(u16, String, &'static str),
    /// Forwards, and answers 200 with a page of HTML instead of the reply.
    Garbage,
    /// Forwards, and answers with the first half of the reply's body (well-formed HTTP, torn JSON).
    TornReply,
}

impl Action {
    /// Answers with this status and an empty `text/plain` body, without forwarding.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, String::new(), "text/plain")
    }

    /// Answers with this status and an `application/problem+json` that has this code, without forwarding.
    #[must_use]
    pub fn problem(status: u16, code: &str) -> Self {
        let body = serde_json::json!({ "type": "about:blank", "status": status, "code": code });
        Self::Status(status, body.to_string(), "application/problem+json")
    }
}

/// Catches calls by method, path, body and count, for one [`Action`].
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
    /// A rule for this method (`*` for any) and a regular expression that is looked for in the path with its
    /// query. It is for every such call; see [`first`](Self::first) and [`nth`](Self::nth). Without
    /// [`then`](Self::then) it refuses.
    ///
    /// # Panics
    /// If `path` is not a regular expression.
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

    /// Only for calls with this text in the body, such as a saga's id.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        self.body = text.to_owned();
        self
    }

    /// Only for the first so many such calls.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        (self.first, self.last) = (1, count);
        self
    }

    /// Only for the n-th such call, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        (self.first, self.last) = (n, n);
        self
    }

    /// What happens to these calls.
    #[must_use]
    pub fn then(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// The action if the call is caught; counts the call if it is such a call at all.
    fn catch(&mut self, method: &str, path: &str, body: &Bytes) -> Option<Action> {
        let such = (self.method == "*" || self.method == method)
            && self.path.is_match(path)
            && String::from_utf8_lossy(body).contains(&self.body);
        self.seen += u64::from(such);
        (such && (self.first..=self.last).contains(&self.seen)).then(|| self.action.clone())
    }
}

/// The action of the first rule that catches the call. Each rule counts all its calls, also those that an
/// earlier rule catches.
pub(super) fn action_for(rules: &mut [Rule], method: &str, path: &str, body: &Bytes) -> Option<Action> {
    let caught: Vec<_> = rules.iter_mut().filter_map(|rule| rule.catch(method, path, body)).collect();
    caught.into_iter().next()
}

/// Holds calls until the test releases them, and lets the test see that they have arrived.
#[derive(Clone, Default)]
pub struct Gate(Arc<watch::Sender<GateState>>);

#[derive(Default)]
struct GateState {
    arrived: usize,
    open: bool,
}

const ARRIVAL_LIMIT: Duration = Duration::from_secs(180);

impl Gate {
    /// A closed gate; its clones are the same gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until so many calls have come to the gate.
    ///
    /// # Panics
    /// After three minutes.
    pub async fn wait_arrived(&self, count: usize) {
        let mut state = self.0.subscribe();
        let arrived = state.wait_for(|state| state.arrived >= count);
        let arrived = tokio::time::timeout(ARRIVAL_LIMIT, arrived).await.is_ok();
        assert!(arrived, "waited {ARRIVAL_LIMIT:?} for {count} calls at the gate, {} came", self.arrived());
    }

    /// How many calls have come to the gate so far.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.0.borrow().arrived
    }

    /// Opens the gate, for the calls that it holds and all later ones.
    pub fn release(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    pub(super) async fn pass(&self) {
        self.0.send_modify(|state| state.arrived += 1);
        // Cannot fail: this gate has the sender.
        let _ = self.0.subscribe().wait_for(|state| state.open).await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate")
    }
}
