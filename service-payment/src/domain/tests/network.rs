//! A card network whose every message waits until the test lets it arrive, and whose every answer can be lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use common::ids::SagaId;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::gateway::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// What is asked of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Approve,
    Status,
    Cancel,
}

/// What the network does with a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    Approved,
    Declined,
    /// Approved, some time after it was asked.
    Slow,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Verdict(Verdict),
    Status(ChargeStatus),
    Cancelled,
}

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Pending,
    Approved,
    Declined,
    Cancelled,
    Refunded,
}

/// What the network has written down.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<HashMap<SagaId, Entry>>>);

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, HashMap<SagaId, Entry>> {
        self.0.lock().expect("nothing panics while it holds the ledger")
    }

    pub(super) fn entry(&self, key: &SagaId) -> Option<Entry> {
        self.entries().get(key).copied()
    }

    /// Is money kept under this key, or will be?
    pub(super) fn keeps_money(&self, key: &SagaId) -> bool {
        matches!(self.entry(key), Some(Entry::Pending | Entry::Approved))
    }

    /// A charge that is being decided takes effect.
    pub(super) fn take_effect(&self, key: &SagaId) {
        if let Some(entry) = self.entries().get_mut(key).filter(|entry| **entry == Entry::Pending) {
            *entry = Entry::Approved;
        }
    }

    /// Does what is asked; `None`: the network has no answer yet.
    pub(super) fn arrive(&self, asked: Asked, key: &SagaId, card: Card) -> Option<Answer> {
        let mut entries = self.entries();
        match asked {
            Asked::Approve => {
                let fresh = match card {
                    Card::Approved => Entry::Approved,
                    Card::Declined => Entry::Declined,
                    Card::Slow => Entry::Pending,
                };
                verdict(*entries.entry(key.clone()).or_insert(fresh)).map(Answer::Verdict)
            }
            Asked::Status => Some(Answer::Status(match entries.get(key) {
                None => ChargeStatus::NotFound,
                Some(entry) => verdict(*entry).map_or(ChargeStatus::Pending, ChargeStatus::Final),
            })),
            Asked::Cancel => {
                let entry = entries.entry(key.clone()).or_insert(Entry::Cancelled);
                *entry = match *entry {
                    Entry::Pending => Entry::Cancelled,
                    Entry::Approved => Entry::Refunded,
                    settled => settled,
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
        Entry::Cancelled | Entry::Refunded => Some(Verdict::Cancelled),
    }
}

/// No answer came.
pub(super) fn silence() -> GatewayError {
    GatewayError::Unavailable("silence".to_owned())
}

/// A message on its way to the network.
pub(super) struct Message {
    pub(super) asked: Asked,
    /// Gives the caller its answer; dropped, the caller hears nothing.
    pub(super) reply: oneshot::Sender<Answer>,
}

/// The callers' end.
pub(super) struct Network(mpsc::UnboundedSender<Message>);

impl Network {
    /// The callers' end, and the test's.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    async fn ask(&self, asked: Asked) -> Result<Answer, GatewayError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message { asked, reply }).map_err(|_| silence())?;
        answer.await.map_err(|_| silence())
    }
}

impl PaymentGateway for Network {
    fn approve<'a>(&'a self, _: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        self.ask(Asked::Approve).map(|answer| expect_verdict(answer?)).boxed()
    }

    fn status<'a>(&'a self, _: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        self.ask(Asked::Status).map(|answer| expect_status(answer?)).boxed()
    }

    fn cancel<'a>(&'a self, _: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        self.ask(Asked::Cancel).map(|answer| answer.map(drop)).boxed()
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
