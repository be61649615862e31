//! A payment gateway for tests. The test decides when each request arrives, and which answers are lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use common::ids::SagaId;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::gateway::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// A request to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Approve,
    Status,
    Cancel,
}

/// What the gateway does with a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    Approved,
    Declined,
    /// The charge stays pending until a step of the test approves it.
    Slow,
}

/// An answer from the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Verdict(Verdict),
    Status(ChargeStatus),
    Cancelled,
}

/// The state of a charge in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Pending,
    Approved,
    Declined,
    Cancelled,
    Refunded,
}

/// The gateway's ledger.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<HashMap<SagaId, Entry>>>);

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, HashMap<SagaId, Entry>> {
        self.0.lock().expect("nothing panics while it holds the ledger")
    }

    pub(super) fn entry(&self, key: &SagaId) -> Option<Entry> {
        self.entries().get(key).copied()
    }

    /// Whether the gateway keeps money under this key, or will take it.
    pub(super) fn keeps_money(&self, key: &SagaId) -> bool {
        matches!(self.entry(key), Some(Entry::Pending | Entry::Approved))
    }

    /// Approves a pending charge.
    pub(super) fn take_effect(&self, key: &SagaId) {
        if let Some(entry) = self.entries().get_mut(key).filter(|entry| **entry == Entry::Pending) {
            *entry = Entry::Approved;
        }
    }

    /// Executes a request. Returns `None` while the gateway has no answer.
    pub(super) fn execute(&self, request: Request, key: &SagaId, card: Card) -> Option<Answer> {
        let mut entries = self.entries();
        match request {
            Request::Approve => {
                let fresh = match card {
                    Card::Approved => Entry::Approved,
                    Card::Declined => Entry::Declined,
                    Card::Slow => Entry::Pending,
                };
                verdict(*entries.entry(key.clone()).or_insert(fresh)).map(Answer::Verdict)
            }
            Request::Status => Some(Answer::Status(match entries.get(key) {
                None => ChargeStatus::NotFound,
                Some(entry) => verdict(*entry).map_or(ChargeStatus::Pending, ChargeStatus::Final),
            })),
            Request::Cancel => {
                let entry = entries.entry(key.clone()).or_insert(Entry::Cancelled);
                *entry = match *entry {
                    Entry::Pending => Entry::Cancelled,
                    Entry::Approved => Entry::Refunded,
                    unchanged => unchanged,
                };
                Some(Answer::Cancelled)
            }
        }
    }
}

fn verdict(entry: Entry) -> Option<Verdict> {
    match entry {
        Entry::Pending => None,
        Entry::Approved => Some(Verdict::Approved),
        Entry::Declined => Some(Verdict::Declined("no".to_owned())),
        Entry::Cancelled | Entry::Refunded => Some(Verdict::KeyCancelled),
    }
}

pub(super) fn no_answer() -> GatewayError {
    GatewayError::unavailable("no answer")
}

/// A message on its way to the gateway.
pub(super) struct Message {
    pub(super) request: Request,
    /// Sends the answer to the caller. If it is dropped, the caller gets no answer.
    pub(super) reply: oneshot::Sender<Answer>,
}

/// The caller's side of the gateway.
pub(super) struct TestGateway(mpsc::UnboundedSender<Message>);

impl TestGateway {
    /// The caller's side, and the test's side, which receives the messages.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    async fn send(&self, request: Request) -> Result<Answer, GatewayError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message { request, reply }).map_err(|_| no_answer())?;
        answer.await.map_err(|_| no_answer())
    }
}

impl PaymentGateway for TestGateway {
    fn approve<'a>(&'a self, _: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        self.send(Request::Approve).map(|answer| expect_verdict(answer?)).boxed()
    }

    fn status<'a>(&'a self, _: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        self.send(Request::Status).map(|answer| expect_status(answer?)).boxed()
    }

    fn cancel<'a>(&'a self, _: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        self.send(Request::Cancel).map(|answer| answer.map(drop)).boxed()
    }
}

pub(super) fn expect_verdict(answer: Answer) -> Result<Verdict, GatewayError> {
    let Answer::Verdict(verdict) = answer else { panic!("no verdict: {answer:?}") };
    Ok(verdict)
}

pub(super) fn expect_status(answer: Answer) -> Result<ChargeStatus, GatewayError> {
    let Answer::Status(status) = answer else { panic!("no status: {answer:?}") };
    Ok(status)
}
