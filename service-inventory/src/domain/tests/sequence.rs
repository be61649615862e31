//! Calls one after the other, judged after every one.

use common::contract::{Code, SagaOrder};
use common::ids::{IdempotencyKey, ProductId, Quantity, SagaId};
use common::money::Money;
use property::{Judgement, crashed_after};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};
use sqlx::MySqlPool;

use super::model::{Outcome, Rows, Slot, Who};
use super::{PIECES, order_of_a_new_product};
use crate::domain::{products, stock};
use crate::model::DeliveryId;
use crate::store::reservations;

const ALL: [Who; 4] = [Who::First, Who::Second, Who::WrongAmount, Who::UnknownProduct];

/// One step of a sequence; `crash` is after how many waits a call crashes.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Reserve { who: Who, crash: Option<u32> },
    Confirm { who: Who, crash: Option<u32> },
    Release { who: Who, reason: Code, crash: Option<u32> },
    CallsOfAnotherRequest { who: Who },
    APieceComesIn,
}

impl Step {
    fn who(&self) -> Option<Who> {
        match self {
            Self::Reserve { who, .. }
            | Self::Confirm { who, .. }
            | Self::Release { who, .. }
            | Self::CallsOfAnotherRequest { who } => Some(*who),
            Self::APieceComesIn => None,
        }
    }
}

/// Sequences of up to 24 steps.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let who = || {
        prop_oneof![
            4 => Just(Who::First),
            4 => Just(Who::Second),
            1 => Just(Who::WrongAmount),
            1 => Just(Who::UnknownProduct)
        ]
    };
    let crash = || weighted(0.25, 1..20_u32);
    let reason = || prop_oneof![Just(Code::CANCELLED_BY_CUSTOMER), Just(Code::DEADLINE_EXCEEDED)];
    let step = prop_oneof![
        6 => (who(), crash()).prop_map(|(who, crash)| Step::Reserve { who, crash }),
        3 => (who(), crash()).prop_map(|(who, crash)| Step::Confirm { who, crash }),
        3 => (who(), reason(), crash()).prop_map(|(who, reason, crash)| Step::Release { who, reason, crash }),
        1 => who().prop_map(|who| Step::CallsOfAnotherRequest { who }),
        1 => Just(Step::APieceComesIn),
    ];
    vec(step, 1..24)
}

/// One sequence.
pub(super) struct Run {
    pool: MySqlPool,
    orders: [SagaOrder; 4],
    price: Money,
    rows: Rows,
}

impl Run {
    pub(super) async fn new(pool: MySqlPool) -> Self {
        let order = order_of_a_new_product(&pool).await;
        let price = "10".parse().expect("an amount");
        let fresh = || SagaOrder { saga_id: SagaId::of(&IdempotencyKey::fresh()), ..order.clone() };
        let wrong = SagaOrder { amount: price, ..fresh() };
        let unknown = ProductId::try_from(ProductId::MAX).expect("a product");
        let unknown = SagaOrder { product_id: unknown, ..fresh() };
        let rows = Rows { slots: [const { None }; 4], quantity: PIECES.into(), reserved: 0 };
        Self { orders: [fresh(), fresh(), wrong, unknown], pool, price, rows }
    }

    pub(super) async fn judge(mut self, steps: &[Step]) -> Judgement {
        for (number, step) in steps.iter().enumerate() {
            self.step(step).await.map_err(|why| format!("{}. {step:?}: {why}", number + 1))?;
        }
        for who in ALL {
            let step = Step::Release { who, reason: Code::DEADLINE_EXCEEDED, crash: None };
            self.step(&step).await.map_err(|why| format!("at the end (release): {why}"))?;
        }
        if self.rows.reserved == 0 { Ok(()) } else { Err("pieces stay promised for ever".to_owned()) }
    }

    async fn step(&mut self, step: &Step) -> Judgement {
        let before = self.rows.clone();
        let (pool, order) = (&self.pool, |who: Who| &self.orders[who as usize]);
        let (went, should_be) = match step {
            Step::Reserve { who, crash } => {
                let call =
                    async { stock::reserve(pool, order(*who)).await.map_or_else(Outcome::from, Outcome::Reserved) };
                (crashed_after(*crash, call).await, self.rows.reserve(*who, self.price))
            }
            Step::Confirm { who, crash } => {
                let call = async { stock::confirm(pool, order(*who)).await.map_or_else(Outcome::from, Outcome::Done) };
                (crashed_after(*crash, call).await, self.rows.confirm(*who))
            }
            Step::Release { who, reason, crash } => {
                let call =
                    async { stock::release(pool, order(*who), reason).await.map_or_else(Outcome::from, Outcome::Done) };
                (crashed_after(*crash, call).await, self.rows.release(*who, reason))
            }
            Step::CallsOfAnotherRequest { who } => (self.another_request(*who).await, Outcome::KeyReused),
            Step::APieceComesIn => {
                self.deliver().await?;
                (None, Outcome::KeyReused)
            }
        };
        let rows = self.read(step.who()).await?;
        match went {
            Some(outcome) if outcome != should_be => return Err(format!("is {outcome:?}, should be {should_be:?}")),
            None if rows == before => self.rows = before,
            _ => {}
        }
        if rows == self.rows { Ok(()) } else { Err(format!("the rows are {rows:?}, should be {:?}", self.rows)) }
    }

    /// All calls of another request with the same key, if the saga has a row.
    async fn another_request(&self, who: Who) -> Option<Outcome> {
        self.rows.slots[who as usize].as_ref()?;
        let other = property::reused(&self.orders[who as usize]);
        let reserve = stock::reserve(&self.pool, &other).await.map(drop);
        let confirm = stock::confirm(&self.pool, &other).await.map(drop);
        let release = stock::release(&self.pool, &other, &Code::DEADLINE_EXCEEDED).await.map(drop);
        let outcomes = [reserve, confirm, release].map(|result| result.map_or_else(Outcome::from, |()| done()));
        outcomes.into_iter().find(|outcome| *outcome != Outcome::KeyReused).or(Some(Outcome::KeyReused))
    }

    async fn deliver(&mut self) -> Judgement {
        let delivery = DeliveryId::try_from(harness::unique("delivery")).map_err(|error| error.to_string())?;
        let one = Quantity::try_from(1).map_err(|error| error.to_string())?;
        for _ in 0..2 {
            let received = products::receive(&self.pool, self.orders[0].product_id, &delivery, one).await;
            received.map_err(|error| error.to_string())?;
        }
        self.rows.quantity += 1;
        Ok(())
    }

    /// The rows that a step of this saga may have changed; the others as they should be.
    async fn read(&self, who: Option<Who>) -> Result<Rows, String> {
        let mut slots = self.rows.slots.clone();
        if let Some(who) = who {
            slots[who as usize] = self.slot(who).await.map_err(|error| error.to_string())?;
        }
        let product =
            products::by_id(&self.pool, self.orders[0].product_id).await.map_err(|error| error.to_string())?;
        Ok(Rows { slots, quantity: product.quantity, reserved: product.reserved })
    }

    /// Read under its lock, so that what a crashed call has begun is over.
    async fn slot(&self, who: Who) -> sqlx::Result<Slot> {
        let mut connection = self.pool.acquire().await?;
        let row = reservations::lock(&mut connection, &self.orders[who as usize].saga_id).await?;
        Ok(row.map(|row| (row.status, row.reason)))
    }
}

fn done() -> Outcome {
    Outcome::Fault("it was done".to_owned())
}
