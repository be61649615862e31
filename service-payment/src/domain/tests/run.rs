//! Runs one sequence of steps. A call can wait for the gateway while other calls run. Every step is verified.

use std::sync::Arc;

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::ids::{PaymentId, SagaId};
use futures::FutureExt;
use futures::future::BoxFuture;
use property::{Verification, crashed_after};
use sqlx::MySqlPool;
use tokio::sync::mpsc;

use super::LONG_LEASE;
use super::gateway::{Answer, Card, Entry, Ledger, Message, Request, TestGateway};
use super::model::{self, Next, Outcome, Row};
use super::sequence::Step;
use crate::domain::Payments;
use crate::store::payments;

/// A saga: its expected row, and what its callers learned.
struct Saga {
    order: SagaOrder,
    row: Option<Row>,
    was_paid: bool,
    was_undone: bool,
}

/// A running call.
struct Call {
    number: usize,
    saga: Card,
    future: BoxFuture<'static, Outcome>,
}

/// A call that waits for the gateway.
struct WaitingCall {
    call: Call,
    message: Message,
    has_arrived: bool,
    answer: Option<Answer>,
}

/// The run of one sequence.
pub(super) struct Run {
    pool: MySqlPool,
    payments: Payments,
    ledger: Ledger,
    mailbox: mpsc::UnboundedReceiver<Message>,
    sagas: [Saga; 3],
    waiting: Vec<WaitingCall>,
    /// Requests that are still on their way although their callers no longer wait.
    late: Vec<(Card, Request)>,
    calls: usize,
}

impl Run {
    pub(super) fn new(pool: MySqlPool) -> Self {
        let (gateway, mailbox) = TestGateway::new();
        let saga = || Saga { order: property::order(1, 2), row: None, was_paid: false, was_undone: false };
        Self {
            payments: Payments::new(pool.clone(), Arc::new(gateway), LONG_LEASE),
            pool,
            ledger: Ledger::default(),
            mailbox,
            sagas: [saga(), saga(), saga()],
            waiting: Vec::new(),
            late: Vec::new(),
            calls: 0,
        }
    }

    /// Runs all steps, and then finishes every saga.
    pub(super) async fn verify(mut self, steps: &[Step]) -> Verification {
        for (number, step) in steps.iter().enumerate() {
            self.step(step).await.map_err(|why| format!("{}. {step:?}: {why}", number + 1))?;
        }
        self.finish().await.map_err(|why| format!("at the end (cancel, void, and pay again): {why}"))
    }

    async fn step(&mut self, step: &Step) -> Verification {
        let waiting = |which: &usize| which.checked_rem(self.waiting.len());
        match step {
            Step::Pay { saga, crash } => return self.pay(*saga, *crash).await,
            Step::Cancel { saga, reason, crash } => return self.cancel(*saga, reason, *crash).await,
            Step::Void { saga, crash } => return self.void(*saga, *crash).await,
            Step::CallsOfAnotherRequest { saga } => return self.another_request(*saga).await,
            Step::LeaseExpires { saga } => return self.end_lease(*saga).await,
            Step::ChargeTakesEffect { saga } => self.ledger.take_effect(self.key(*saga)),
            Step::MessageArrives { which } => {
                if let Some(index) = waiting(which) {
                    self.deliver_request(index);
                }
            }
            Step::AnswerArrives { which, crash } => {
                if let Some(index) = waiting(which) {
                    return self.deliver_answer(index, *crash).await;
                }
            }
            Step::AnswerTimesOut { which } => {
                if let Some(index) = waiting(which) {
                    let (call, request) = self.stop_waiting(index);
                    return self.continue_call(call, request, None, None).await;
                }
            }
            Step::CallerCrashes { which } => drop(waiting(which).map(|index| self.stop_waiting(index))),
            Step::LateMessageArrives { which } => {
                if let Some(index) = which.checked_rem(self.late.len()) {
                    let (saga, request) = self.late.remove(index);
                    self.ledger.execute(request, self.key(saga), saga);
                }
            }
        }
        Ok(())
    }

    async fn pay(&mut self, saga: Card, crash: Option<u32>) -> Verification {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).row.clone();
        let next = model::pay(&mut self.saga(saga).row, number, order.payment_id);
        let payments = self.payments.clone();
        let pay = async move { payments.pay(&order).await.map_or_else(Outcome::from, Outcome::Paid) };
        self.advance(Call { number, saga, future: pay.boxed() }, crash, before, next).await
    }

    async fn cancel(&mut self, saga: Card, reason: &Code, crash: Option<u32>) -> Verification {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).row.clone();
        let next = model::cancel(&mut self.saga(saga).row, reason, order.payment_id);
        let (payments, reason) = (self.payments.clone(), reason.clone());
        let cancel = async move {
            let result = payments.cancel(&order, &reason).await;
            result.map_or_else(Outcome::from, |decision| Outcome::Decided(decision.status, decision.reason))
        };
        self.advance(Call { number, saga, future: cancel.boxed() }, crash, before, next).await
    }

    async fn void(&mut self, saga: Card, crash: Option<u32>) -> Verification {
        let (order, number) = self.next_call(saga);
        let before = self.saga(saga).row.clone();
        let next = model::void(before.as_ref());
        let payments = self.payments.clone();
        let void = async move { payments.void(&order).await.map_or_else(Outcome::from, Outcome::Voided) };
        self.advance(Call { number, saga, future: void.boxed() }, crash, before, next).await
    }

    /// Makes all calls for another request with this key, if the saga has a row. They are refused and have no effect.
    async fn another_request(&mut self, saga: Card) -> Verification {
        if self.saga(saga).row.is_some() {
            let other = property::reused(&self.saga(saga).order);
            let pay = self.payments.pay(&other).await.map(drop);
            let cancel = self.payments.cancel(&other, &Code::DEADLINE_EXCEEDED).await.map(drop);
            let void = self.payments.void(&other).await.map(drop);
            for result in [pay, cancel, void] {
                let outcome = result.map_or_else(Outcome::from, |()| Outcome::Unexpected("success".to_owned()));
                same(&outcome, &Outcome::KeyReused)?;
            }
        }
        self.compare(saga).await
    }

    async fn end_lease(&mut self, saga: Card) -> Verification {
        let ended = sqlx::query("UPDATE payments SET lease_until = NOW(6) WHERE saga_id = ?");
        ended.bind(self.key(saga)).execute(&self.pool).await.map_err(|e| e.to_string())?;
        if let Some(row) = &mut self.saga(saga).row {
            row.lease_live = false;
        }
        self.compare(saga).await
    }

    fn saga(&mut self, saga: Card) -> &mut Saga {
        &mut self.sagas[saga as usize]
    }

    fn key(&self, saga: Card) -> &SagaId {
        &self.sagas[saga as usize].order.saga_id
    }

    /// The order for the next call, with a new payment id. The row must keep the id of the first call.
    fn next_call(&mut self, saga: Card) -> (SagaOrder, usize) {
        self.calls += 1;
        (SagaOrder { payment_id: PaymentId::new(), ..self.saga(saga).order.clone() }, self.calls)
    }

    fn deliver_request(&mut self, index: usize) {
        let waiting = &mut self.waiting[index];
        if waiting.answer.is_none() {
            let saga = waiting.call.saga;
            let key = &self.sagas[saga as usize].order.saga_id;
            waiting.answer = self.ledger.execute(waiting.message.request, key, saga);
            waiting.has_arrived = true;
        }
    }

    async fn deliver_answer(&mut self, index: usize, crash: Option<u32>) -> Verification {
        self.deliver_request(index);
        let Some(answer) = self.waiting[index].answer.clone() else { return Ok(()) };
        let WaitingCall { call, message, .. } = self.waiting.remove(index);
        message.reply.send(answer.clone()).map_err(|_| "the caller does not wait")?;
        self.continue_call(call, message.request, Some(answer), crash).await
    }

    /// The call gets no answer. Its request may still arrive.
    fn stop_waiting(&mut self, index: usize) -> (Call, Request) {
        let WaitingCall { call, message, has_arrived, .. } = self.waiting.remove(index);
        if !has_arrived {
            self.late.push((call.saga, message.request));
        }
        (call, message.request)
    }

    async fn continue_call(
        &mut self,
        call: Call,
        request: Request,
        answer: Option<Answer>,
        crash: Option<u32>,
    ) -> Verification {
        let before = self.saga(call.saga).row.clone();
        let row = self.saga(call.saga).row.as_mut().ok_or("a call without a row sent a request to the gateway")?;
        let next = model::continue_call(row, call.number, request, answer);
        self.advance(call, crash, before, next).await
    }

    /// Runs the call until it sends a request, returns or crashes. The model predicts the first two cases. After a
    /// crash the row is as it was before the call, or as it would be without the crash.
    async fn advance(&mut self, mut call: Call, crash: Option<u32>, before: Option<Row>, next: Next) -> Verification {
        let saga = call.saga;
        let event = tokio::select! {
            biased;
            Some(message) = self.mailbox.recv() => Ok(message),
            outcome = crashed_after(crash, &mut call.future) => Err(outcome),
        };
        match event {
            Ok(message) => {
                same(&Next::Sends(message.request), &next)?;
                self.waiting.push(WaitingCall { call, message, has_arrived: false, answer: None });
            }
            Err(Some(outcome)) => {
                self.check_outcome(saga, &outcome)?;
                same(&Next::Returns(outcome), &next)?;
            }
            Err(None) => {
                drop(call);
                if let Ok(message) = self.mailbox.try_recv() {
                    self.late.push((saga, message.request));
                } else if visible(self.row(saga).await?.as_ref()) != visible(self.saga(saga).row.as_ref()) {
                    self.saga(saga).row = before;
                }
            }
        }
        self.compare(saga).await
    }

    /// If one caller learns that the payment was made, no caller learns that it was not.
    fn check_outcome(&mut self, saga: Card, outcome: &Outcome) -> Verification {
        let saga = self.saga(saga);
        match outcome {
            Outcome::Paid(_) | Outcome::AlreadyPaid => saga.was_paid = true,
            Outcome::Decided(..) | Outcome::SagaCancelled(_) | Outcome::Declined => saga.was_undone = true,
            _ => {}
        }
        if saga.was_paid && saga.was_undone {
            Err("one caller learned that it was paid, another one that it was not".to_owned())
        } else {
            Ok(())
        }
    }

    /// The row equals the model's row, and the gateway's ledger agrees with a decided row.
    async fn compare(&mut self, saga: Card) -> Verification {
        let row = self.row(saga).await?;
        same(&visible(row.as_ref()), &visible(self.saga(saga).row.as_ref()))?;
        let entry = self.ledger.entry(self.key(saga));
        let agrees = match row.map(|row| row.status) {
            None => entry.is_none(),
            Some(PaymentStatus::Approved) => entry == Some(Entry::Approved),
            Some(PaymentStatus::Declined | PaymentStatus::Cancelled) => !self.ledger.keeps_money(self.key(saga)),
            Some(PaymentStatus::Approving | PaymentStatus::Cancelling) => true,
        };
        if agrees { Ok(()) } else { Err(format!("the gateway has {entry:?}")) }
    }

    /// Reads the row with a lock, because the transaction of a crashed call may still be running.
    async fn row(&self, saga: Card) -> Result<Option<Row>, String> {
        let row = async { payments::lock(&mut *self.pool.acquire().await?, self.key(saga)).await };
        let row = row.await.map_err(|error: sqlx::Error| error.to_string())?;
        Ok(row.map(|row| Row {
            status: row.status,
            reason: row.reason,
            payment_id: row.payment_id,
            lease_live: row.lease_live,
            holder: 0,
        }))
    }

    /// Crashes all callers, undoes every saga that can be undone, and delivers the late messages before and after that.
    /// Decisions must not change. The gateway must keep money if and only if the payment is approved.
    async fn finish(&mut self) -> Verification {
        while !self.waiting.is_empty() {
            self.stop_waiting(0);
        }
        let late = std::mem::take(&mut self.late);
        let (early, late) = late.split_at(late.len() / 2);
        self.deliver(early);
        for saga in [Card::Approved, Card::Declined, Card::Slow] {
            self.cancel(saga, &Code::DEADLINE_EXCEEDED, None).await?;
            self.void(saga, None).await?;
            if !self.waiting.is_empty() {
                self.deliver_answer(0, None).await?;
            }
        }
        self.deliver(late);
        for saga in [Card::Approved, Card::Declined, Card::Slow] {
            self.pay(saga, None).await?;
            self.void(saga, None).await?;
            let status = self.saga(saga).row.as_ref().map(|row| row.status);
            same(&self.ledger.keeps_money(self.key(saga)), &(status == Some(PaymentStatus::Approved)))?;
        }
        if self.waiting.is_empty() { Ok(()) } else { Err("a finished saga sent a request to the gateway".to_owned()) }
    }

    fn deliver(&mut self, messages: &[(Card, Request)]) {
        for (saga, request) in messages {
            self.ledger.execute(*request, self.key(*saga), *saga);
            self.ledger.take_effect(self.key(*saga));
        }
    }
}

/// The fields of a row that callers can observe.
fn visible(row: Option<&Row>) -> Option<(PaymentStatus, Option<&Code>, PaymentId, bool)> {
    let lease_live = |row: &Row| row.status == PaymentStatus::Approving && row.lease_live;
    row.map(|row| (row.status, row.reason.as_ref(), row.payment_id, lease_live(row)))
}

fn same<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T) -> Verification {
    if actual == expected { Ok(()) } else { Err(format!("is {actual:?}, should be {expected:?}")) }
}
