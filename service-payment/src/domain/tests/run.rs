//! Calls one after the other, each of which can wait for the network while others go on, judged after every step.

use std::sync::Arc;

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::ids::{PaymentId, SagaId};
use futures::FutureExt;
use futures::future::BoxFuture;
use property::{Judgement, crashed_after};
use sqlx::MySqlPool;
use tokio::sync::mpsc;

use super::LONG;
use super::model::{self, Next, Outcome, Row, Slot};
use super::network::{Answer, Asked, Card, Entry, Ledger, Message, Network};
use super::sequence::Step;
use crate::domain::Payments;
use crate::store::payments;

/// A saga: what should be in its row, and what its callers were told.
struct Saga {
    order: SagaOrder,
    slot: Slot,
    was_paid: bool,
    was_undone: bool,
}

/// A call that runs.
struct Call {
    number: usize,
    saga: Card,
    future: BoxFuture<'static, Outcome>,
}

/// A call that waits for the network.
struct Waiting {
    call: Call,
    message: Message,
    has_arrived: bool,
    answer: Option<Answer>,
}

/// One sequence.
pub(super) struct Run {
    pool: MySqlPool,
    payments: Payments,
    ledger: Ledger,
    mailbox: mpsc::UnboundedReceiver<Message>,
    sagas: [Saga; 3],
    waiting: Vec<Waiting>,
    /// Messages that are on their way, while their callers have gone.
    late: Vec<(Card, Asked)>,
    calls: usize,
}

impl Run {
    pub(super) fn new(pool: MySqlPool) -> Self {
        let (network, mailbox) = Network::new();
        let saga = || Saga { order: property::order(1, 2), slot: None, was_paid: false, was_undone: false };
        Self {
            payments: Payments::new(pool.clone(), Arc::new(network), LONG),
            pool,
            ledger: Ledger::default(),
            mailbox,
            sagas: [saga(), saga(), saga()],
            waiting: Vec::new(),
            late: Vec::new(),
            calls: 0,
        }
    }

    /// Goes through the steps, then lets everything come to its end.
    pub(super) async fn judge(mut self, steps: &[Step]) -> Judgement {
        for (number, step) in steps.iter().enumerate() {
            self.step(step).await.map_err(|why| format!("{}. {step:?}: {why}", number + 1))?;
        }
        self.finish().await.map_err(|why| format!("at the end (cancel, settle, and pay again): {why}"))
    }

    async fn step(&mut self, step: &Step) -> Judgement {
        let waiting = |which: &usize| which.checked_rem(self.waiting.len());
        match step {
            Step::Pay { saga, crash } => return self.pay(*saga, *crash).await,
            Step::Cancel { saga, reason, crash } => return self.cancel(*saga, reason, *crash).await,
            Step::Settle { saga, crash } => return self.settle(*saga, *crash).await,
            Step::CallsOfAnotherRequest { saga } => return self.another_request(*saga).await,
            Step::LeaseRunsOut { saga } => return self.end_lease(*saga).await,
            Step::ChargeTakesEffect { saga } => self.ledger.take_effect(self.key(*saga)),
            Step::MessageArrives { which } => {
                if let Some(index) = waiting(which) {
                    self.arrive(index);
                }
            }
            Step::AnswerComes { which, crash } => {
                if let Some(index) = waiting(which) {
                    return self.answer(index, *crash).await;
                }
            }
            Step::NoAnswerComes { which } => {
                if let Some(index) = waiting(which) {
                    let (call, asked) = self.lose(index);
                    return self.hear(call, asked, None, None).await;
                }
            }
            Step::CallerCrashes { which } => drop(waiting(which).map(|index| self.lose(index))),
            Step::LateMessageArrives { which } => {
                if let Some(index) = which.checked_rem(self.late.len()) {
                    let (saga, asked) = self.late.remove(index);
                    self.ledger.arrive(asked, self.key(saga), saga);
                }
            }
        }
        Ok(())
    }

    async fn pay(&mut self, saga: Card, crash: Option<u32>) -> Judgement {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).slot.clone();
        let next = model::pay(&mut self.saga(saga).slot, number, order.payment_id);
        let payments = self.payments.clone();
        let pay = async move { payments.pay(&order).await.map_or_else(Outcome::from, Outcome::Paid) };
        self.go_on(Call { number, saga, future: pay.boxed() }, crash, before, next).await
    }

    async fn cancel(&mut self, saga: Card, reason: &Code, crash: Option<u32>) -> Judgement {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).slot.clone();
        let next = model::cancel(&mut self.saga(saga).slot, reason, order.payment_id);
        let (payments, reason) = (self.payments.clone(), reason.clone());
        let cancel = async move {
            let decided = payments.cancel(&order, &reason).await;
            decided.map_or_else(Outcome::from, |decided| Outcome::Decided(decided.status, decided.reason))
        };
        self.go_on(Call { number, saga, future: cancel.boxed() }, crash, before, next).await
    }

    async fn settle(&mut self, saga: Card, crash: Option<u32>) -> Judgement {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).slot.clone();
        let next = model::settle(&before);
        let payments = self.payments.clone();
        let settle = async move { payments.settle(&order).await.map_or_else(Outcome::from, Outcome::Settled) };
        self.go_on(Call { number, saga, future: settle.boxed() }, crash, before, next).await
    }

    /// All calls of another request with the same key, if the saga has a row: refused, and nothing changes.
    async fn another_request(&mut self, saga: Card) -> Judgement {
        if self.saga(saga).slot.is_some() {
            let other = property::reused(&self.saga(saga).order);
            let pay = self.payments.pay(&other).await.map(drop);
            let cancel = self.payments.cancel(&other, &Code::DEADLINE_EXCEEDED).await.map(drop);
            let settle = self.payments.settle(&other).await.map(drop);
            for result in [pay, cancel, settle] {
                let outcome = result.map_or_else(Outcome::from, |()| Outcome::Fault("it was done".to_owned()));
                same(&outcome, &Outcome::KeyReused)?;
            }
        }
        self.compare(saga).await
    }

    async fn end_lease(&mut self, saga: Card) -> Judgement {
        let ended = sqlx::query("UPDATE payments SET lease_until = NOW(6) WHERE saga_id = ?");
        ended.bind(self.key(saga)).execute(&self.pool).await.map_err(|e| e.to_string())?;
        if let Some(row) = &mut self.saga(saga).slot {
            row.live = false;
        }
        self.compare(saga).await
    }

    fn saga(&mut self, saga: Card) -> &mut Saga {
        &mut self.sagas[saga as usize]
    }

    fn key(&self, saga: Card) -> &SagaId {
        &self.sagas[saga as usize].order.saga_id
    }

    /// The order as the next call brings it, with a payment id of its own: the row's is the first.
    fn next_call(&mut self, saga: Card) -> (SagaOrder, usize) {
        self.calls += 1;
        (SagaOrder { payment_id: PaymentId::new(), ..self.saga(saga).order.clone() }, self.calls)
    }

    fn arrive(&mut self, index: usize) {
        let waiting = &mut self.waiting[index];
        if waiting.answer.is_none() {
            let saga = waiting.call.saga;
            let key = &self.sagas[saga as usize].order.saga_id;
            waiting.answer = self.ledger.arrive(waiting.message.asked, key, saga);
            waiting.has_arrived = true;
        }
    }

    async fn answer(&mut self, index: usize, crash: Option<u32>) -> Judgement {
        self.arrive(index);
        let Some(answer) = self.waiting[index].answer.clone() else { return Ok(()) };
        let Waiting { call, message, .. } = self.waiting.remove(index);
        message.reply.send(answer.clone()).map_err(|_| "the caller does not wait")?;
        self.hear(call, message.asked, Some(answer), crash).await
    }

    /// The call hears nothing any more; its message may still arrive.
    fn lose(&mut self, index: usize) -> (Call, Asked) {
        let Waiting { call, message, has_arrived, .. } = self.waiting.remove(index);
        if !has_arrived {
            self.late.push((call.saga, message.asked));
        }
        (call, message.asked)
    }

    async fn hear(&mut self, call: Call, asked: Asked, answer: Option<Answer>, crash: Option<u32>) -> Judgement {
        let before = self.saga(call.saga).slot.clone();
        let row = self.saga(call.saga).slot.as_mut().ok_or("a call without a row asked the network")?;
        let next = model::heard(row, call.number, asked, answer);
        self.go_on(call, crash, before, next).await
    }

    /// Lets the call run to its next message or its end, which the model knows; or until it crashes: then the row is
    /// as before or as it would be without the crash.
    async fn go_on(&mut self, mut call: Call, crash: Option<u32>, before: Slot, next: Next) -> Judgement {
        let saga = call.saga;
        let went = tokio::select! {
            biased;
            Some(message) = self.mailbox.recv() => Ok(message),
            outcome = crashed_after(crash, &mut call.future) => Err(outcome),
        };
        match went {
            Ok(message) => {
                same(&Next::Asks(message.asked), &next)?;
                self.waiting.push(Waiting { call, message, has_arrived: false, answer: None });
            }
            Err(Some(outcome)) => {
                self.note(saga, &outcome)?;
                same(&Next::Ends(outcome), &next)?;
            }
            Err(None) => {
                drop(call);
                if let Ok(message) = self.mailbox.try_recv() {
                    self.late.push((saga, message.asked));
                } else if seen(&self.row(saga).await?) != seen(&self.saga(saga).slot) {
                    self.saga(saga).slot = before;
                }
            }
        }
        self.compare(saga).await
    }

    /// No caller hears that it was paid when another one heard that it was not.
    fn note(&mut self, saga: Card, outcome: &Outcome) -> Judgement {
        let told = self.saga(saga);
        match outcome {
            Outcome::Paid(_) | Outcome::AlreadyPaid => told.was_paid = true,
            Outcome::Decided(..) | Outcome::Cancelled(_) | Outcome::Declined => told.was_undone = true,
            _ => {}
        }
        if told.was_paid && told.was_undone { Err("one caller heard paid, another one not".to_owned()) } else { Ok(()) }
    }

    /// The row is as the model has it, and the gateway's ledger agrees with a row that is decided.
    async fn compare(&mut self, saga: Card) -> Judgement {
        let row = self.row(saga).await?;
        same(&seen(&row), &seen(&self.saga(saga).slot))?;
        let entry = self.ledger.entry(self.key(saga));
        let agrees = match row.map(|row| row.status) {
            None => entry.is_none(),
            Some(PaymentStatus::Approved) => entry == Some(Entry::Approved),
            Some(PaymentStatus::Declined | PaymentStatus::Cancelled) => !self.ledger.keeps_money(self.key(saga)),
            Some(PaymentStatus::Approving | PaymentStatus::Cancelling) => true,
        };
        if agrees { Ok(()) } else { Err(format!("the gateway has {entry:?}")) }
    }

    /// Read under its lock, so that what a crashed call has begun is over.
    async fn row(&self, saga: Card) -> Result<Slot, String> {
        let row = async { payments::lock(&mut *self.pool.acquire().await?, self.key(saga)).await };
        let row = row.await.map_err(|error: sqlx::Error| error.to_string())?;
        Ok(row.map(|row| Row {
            status: row.status,
            reason: row.reason,
            payment_id: row.payment_id,
            live: row.lease_live,
            holder: 0,
        }))
    }

    /// All callers crash, every saga is undone if it can be, and messages arrive early and late: what is decided stays,
    /// and money is kept where the payment is approved, and nowhere else.
    async fn finish(&mut self) -> Judgement {
        while !self.waiting.is_empty() {
            self.lose(0);
        }
        let late = std::mem::take(&mut self.late);
        let (early, late) = late.split_at(late.len() / 2);
        self.deliver(early);
        for saga in [Card::Approved, Card::Declined, Card::Slow] {
            self.cancel(saga, &Code::DEADLINE_EXCEEDED, None).await?;
            self.settle(saga, None).await?;
            if !self.waiting.is_empty() {
                self.answer(0, None).await?;
            }
        }
        self.deliver(late);
        for saga in [Card::Approved, Card::Declined, Card::Slow] {
            self.pay(saga, None).await?;
            self.settle(saga, None).await?;
            let status = self.saga(saga).slot.as_ref().map(|row| row.status);
            same(&self.ledger.keeps_money(self.key(saga)), &(status == Some(PaymentStatus::Approved)))?;
        }
        if self.waiting.is_empty() { Ok(()) } else { Err("a settled saga asks the network".to_owned()) }
    }

    fn deliver(&mut self, messages: &[(Card, Asked)]) {
        for (saga, asked) in messages {
            self.ledger.arrive(*asked, self.key(*saga), *saga);
            self.ledger.take_effect(self.key(*saga));
        }
    }
}

/// What of a row can be seen.
fn seen(slot: &Slot) -> Option<(PaymentStatus, Option<&Code>, PaymentId, bool)> {
    let is_live = |row: &Row| row.status == PaymentStatus::Approving && row.live;
    slot.as_ref().map(|row| (row.status, row.reason.as_ref(), row.payment_id, is_live(row)))
}

fn same<T: PartialEq + std::fmt::Debug>(is: &T, should_be: &T) -> Judgement {
    if is == should_be { Ok(()) } else { Err(format!("is {is:?}, should be {should_be:?}")) }
}
