//! Calls at the same time, over a network that answers, keeps silent, or loses what it is asked.

use std::sync::Arc;
use std::time::Duration;

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::ids::{PaymentId, SagaId};
use futures::FutureExt;
use futures::future::BoxFuture;
use property::{Judgement, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use sqlx::MySqlPool;

use super::LONG;
use super::model::Outcome;
use super::network::{Answer, Asked, Card, Ledger, expect_status, expect_verdict, silence};
use crate::domain::Payments;
use crate::gateway::{Charge, ChargeStatus, GatewayError, PaymentGateway, Verdict};

/// What becomes of a call's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Good,
    AnswerLost,
    MessageLost,
}

/// One of the calls that begin at the same time. A short lease is over before the call is.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Pay { way: Way, short_lease: bool, crash: Option<u32> },
    Cancel { crash: Option<u32> },
    Settle { way: Way, crash: Option<u32> },
}

/// Batches of four to eight calls.
pub(super) fn batches() -> impl Strategy<Value = Vec<Call>> {
    let way = || prop_oneof![4 => Just(Way::Good), 1 => Just(Way::AnswerLost), 1 => Just(Way::MessageLost)];
    let crash = || weighted(0.25, 1..24_u32);
    let call = prop_oneof![
        3 => (way(), any::<bool>(), crash()).prop_map(|(way, short_lease, crash)| Call::Pay { way, short_lease, crash }),
        1 => crash().prop_map(|crash| Call::Cancel { crash }),
        1 => (way(), crash()).prop_map(|(way, crash)| Call::Settle { way, crash }),
    ];
    vec(call, 4..=8)
}

/// The network as one call has it.
struct Network {
    ledger: Ledger,
    card: Card,
    way: Way,
}

impl Network {
    async fn ask(&self, asked: Asked, key: &SagaId) -> Result<Answer, GatewayError> {
        tokio::task::yield_now().await;
        let answer = (self.way != Way::MessageLost).then(|| self.ledger.arrive(asked, key, self.card)).flatten();
        tokio::task::yield_now().await;
        answer.filter(|_| self.way == Way::Good).ok_or_else(silence)
    }
}

impl PaymentGateway for Network {
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        async { expect_verdict(self.ask(Asked::Approve, &charge.key).await?) }.boxed()
    }

    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        async { expect_status(self.ask(Asked::Status, key).await?) }.boxed()
    }

    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        async { self.ask(Asked::Cancel, key).await.map(drop) }.boxed()
    }
}

/// One saga, with a kind of card.
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
            Call::Pay { way, short_lease, crash } => {
                let payments = self.payments(way, if short_lease { Duration::ZERO } else { LONG });
                let pay = async { payments.pay(&order).await.map_or_else(Outcome::from, Outcome::Paid) };
                crashed_after(crash, pay).await
            }
            Call::Cancel { crash } => {
                let payments = self.payments(Way::Good, LONG);
                let cancel = async {
                    let decided = payments.cancel(&order, &Code::CANCELLED_BY_CUSTOMER).await;
                    decided.map_or_else(Outcome::from, |decided| Outcome::Decided(decided.status, decided.reason))
                };
                crashed_after(crash, cancel).await
            }
            Call::Settle { way, crash } => {
                let payments = self.payments(way, LONG);
                let settle = async { payments.settle(&order).await.map_or_else(Outcome::from, Outcome::Settled) };
                crashed_after(crash, settle).await
            }
        }
    }

    fn payments(&self, way: Way, lease: Duration) -> Payments {
        let network = Network { ledger: self.ledger.clone(), card: self.card, way };
        Payments::new(self.pool.clone(), Arc::new(network), lease)
    }

    /// The saga is undone, if it can be: the calls' answers agree with its end, and so does the money.
    async fn judge(&self, mut outcomes: Vec<Outcome>) -> Judgement {
        for call in [
            Call::Cancel { crash: None },
            Call::Settle { way: Way::Good, crash: None },
            Call::Pay { way: Way::Good, short_lease: false, crash: None },
        ] {
            outcomes.extend(self.clone().run(call).await);
        }
        let reads = self.payments(Way::Good, LONG);
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
                Outcome::Decided(_, reason) | Outcome::Cancelled(reason) => {
                    reasons.push(reason.clone());
                    Some(true)
                }
                Outcome::Declined => Some(true),
                Outcome::Fault(_) => return Err(format!("{outcomes:?}")),
                _ => None,
            };
            if is_undone.is_some_and(|undone| undone == (row.status == PaymentStatus::Approved)) {
                return Err(format!(
                    "{:?} ended {}, and calls had the answers {outcomes:?}",
                    self.card,
                    row.status.as_str()
                ));
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
            Err(format!("{row:?}, the gateway has {entry:?}, and the answers were {outcomes:?}"))
        }
    }
}

/// Runs a batch for a saga of each kind of card.
pub(super) async fn judge(pool: &MySqlPool, batch: &[Call]) -> Judgement {
    for card in [Card::Approved, Card::Declined, Card::Slow] {
        let saga = Saga { pool: pool.clone(), ledger: Ledger::default(), card, order: property::order(1, 2) };
        let outcomes = start_together(batch.iter().map(|call| saga.clone().run(call.clone()))).await;
        saga.judge(outcomes.into_iter().flatten().collect()).await?;
    }
    Ok(())
}
