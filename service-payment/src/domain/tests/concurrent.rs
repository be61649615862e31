//! Concurrent calls, with a gateway that answers, does not answer, or loses requests.

use std::sync::Arc;
use std::time::Duration;

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::ids::{PaymentId, SagaId};
use futures::FutureExt;
use futures::future::BoxFuture;
use property::{Verification, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use sqlx::MySqlPool;

use super::LONG_LEASE;
use super::gateway::{Answer, Card, Ledger, Request, expect_status, expect_verdict, no_answer};
use super::model::Outcome;
use crate::domain::Payments;
use crate::gateway::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// Which messages of a call arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Complete,
    AnswersLost,
    RequestsLost,
}

/// One of the concurrent calls. A short lease expires before its call ends.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Pay { delivery: Delivery, short_lease: bool, crash: Option<u32> },
    Cancel { crash: Option<u32> },
    Void { delivery: Delivery, crash: Option<u32> },
}

/// Batches of four to eight calls.
pub(super) fn batches() -> impl Strategy<Value = Vec<Call>> {
    let delivery = || prop_oneof![4 => Just(Delivery::Complete), 1 => Just(Delivery::AnswersLost), 1 => Just(Delivery::RequestsLost)];
    let crash = || weighted(0.25, 1..24_u32);
    let pay = |(delivery, short_lease, crash)| Call::Pay { delivery, short_lease, crash };
    let call = prop_oneof![
        3 => (delivery(), any::<bool>(), crash()).prop_map(pay),
        1 => crash().prop_map(|crash| Call::Cancel { crash }),
        1 => (delivery(), crash()).prop_map(|(delivery, crash)| Call::Void { delivery, crash }),
    ];
    vec(call, 4..=8)
}

/// The gateway of one call.
struct CallGateway {
    ledger: Ledger,
    card: Card,
    delivery: Delivery,
}

impl CallGateway {
    async fn send(&self, request: Request, key: &SagaId) -> Result<Answer, GatewayError> {
        tokio::task::yield_now().await;
        let arrives = self.delivery != Delivery::RequestsLost;
        let answer = arrives.then(|| self.ledger.execute(request, key, self.card)).flatten();
        tokio::task::yield_now().await;
        answer.filter(|_| self.delivery == Delivery::Complete).ok_or_else(no_answer)
    }
}

impl PaymentGateway for CallGateway {
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        async { expect_verdict(self.send(Request::Approve, &charge.key).await?) }.boxed()
    }

    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        async { expect_status(self.send(Request::Status, key).await?) }.boxed()
    }

    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        async { self.send(Request::Cancel, key).await.map(drop) }.boxed()
    }
}

/// One saga, paid with one kind of card.
#[derive(Clone)]
struct Saga {
    pool: MySqlPool,
    ledger: Ledger,
    card: Card,
    order: SagaOrder,
}

impl Saga {
    async fn run(self, call: Call) -> Option<Outcome> {
        let order = SagaOrder { payment_id: PaymentId::new(), ..self.order.clone() };
        match call {
            Call::Pay { delivery, short_lease, crash } => {
                let payments = self.payments(delivery, if short_lease { Duration::ZERO } else { LONG_LEASE });
                let pay = async { payments.pay(&order).await.map_or_else(Outcome::from, Outcome::Paid) };
                crashed_after(crash, pay).await
            }
            Call::Cancel { crash } => {
                let payments = self.payments(Delivery::Complete, LONG_LEASE);
                let cancel = async {
                    let result = payments.cancel(&order, &Code::CANCELLED_BY_CUSTOMER).await;
                    result.map_or_else(Outcome::from, |decision| Outcome::Decided(decision.status, decision.reason))
                };
                crashed_after(crash, cancel).await
            }
            Call::Void { delivery, crash } => {
                let payments = self.payments(delivery, LONG_LEASE);
                let void = async { payments.void(&order).await.map_or_else(Outcome::from, Outcome::Voided) };
                crashed_after(crash, void).await
            }
        }
    }

    fn payments(&self, delivery: Delivery, lease: Duration) -> Payments {
        let gateway = CallGateway { ledger: self.ledger.clone(), card: self.card, delivery };
        Payments::new(self.pool.clone(), Arc::new(gateway), lease)
    }

    /// Undoes the saga if that is possible. Then the answers to the calls and the money must agree with how it ended.
    async fn verify(&self, mut outcomes: Vec<Outcome>) -> Verification {
        for call in [
            Call::Cancel { crash: None },
            Call::Void { delivery: Delivery::Complete, crash: None },
            Call::Pay { delivery: Delivery::Complete, short_lease: false, crash: None },
        ] {
            outcomes.extend(self.clone().run(call).await);
        }
        let reads = self.payments(Delivery::Complete, LONG_LEASE);
        let row = reads.by_saga(&self.order.saga_id).await.map_err(|error| error.to_string())?;
        let mut ids = vec![row.payment_id];
        let mut reasons: Vec<Code> = row.reason.iter().cloned().collect();
        for outcome in &outcomes {
            let is_undone = match outcome {
                Outcome::Paid(id) => {
                    ids.push(*id);
                    Some(false)
                }
                Outcome::AlreadyPaid => Some(false),
                Outcome::Decided(_, reason) | Outcome::SagaCancelled(reason) => {
                    reasons.push(reason.clone());
                    Some(true)
                }
                Outcome::Declined => Some(true),
                Outcome::Unexpected(_) => return Err(format!("{outcomes:?}")),
                _ => None,
            };
            if is_undone.is_some_and(|undone| undone == (row.status == PaymentStatus::Approved)) {
                let (card, status) = (self.card, row.status.as_str());
                return Err(format!("{card:?} ended {status}, but the calls returned {outcomes:?}"));
            }
        }
        let keeps_money = self.ledger.keeps_money(&self.order.saga_id);
        let is_right = keeps_money == (row.status == PaymentStatus::Approved)
            && !matches!(row.status, PaymentStatus::Approving | PaymentStatus::Cancelling)
            && ids.windows(2).all(|two| two[0] == two[1])
            && reasons.windows(2).all(|two| two[0] == two[1]);
        let entry = self.ledger.entry(&self.order.saga_id);
        if is_right {
            Ok(())
        } else {
            Err(format!("{row:?}; the gateway has {entry:?}; the calls returned {outcomes:?}"))
        }
    }
}

/// Runs a batch for one saga per kind of card.
pub(super) async fn verify(pool: &MySqlPool, batch: &[Call]) -> Verification {
    for card in [Card::Approved, Card::Declined, Card::Slow] {
        let saga = Saga { pool: pool.clone(), ledger: Ledger::default(), card, order: property::order(1, 2) };
        let outcomes = start_together(batch.iter().map(|call| saga.clone().run(call.clone()))).await;
        saga.verify(outcomes.into_iter().flatten().collect()).await?;
    }
    Ok(())
}
