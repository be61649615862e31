//! Sequential calls. The rows are checked after each call.

use common::contract::{Code, SagaOrder};
use common::ids::{IdempotencyKey, ProductId, Quantity, SagaId};
use common::money::Money;
use property::{Verification, crashed_after};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};
use sqlx::MySqlPool;

use super::model::{Outcome, Reservation, Rows, Saga};
use super::{UNITS, order_of_a_new_product};
use crate::domain::{products, stock};
use crate::model::DeliveryId;
use crate::store::reservations;

const SAGAS: [Saga; 4] = [Saga::First, Saga::Second, Saga::WrongAmount, Saga::UnknownProduct];

/// One step of a sequence. Its call crashes when it waits for the nth time, where n is `crash_at`.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Reserve { saga: Saga, crash_at: Option<u32> },
    Confirm { saga: Saga, crash_at: Option<u32> },
    Release { saga: Saga, reason: Code, crash_at: Option<u32> },
    KeyReused { saga: Saga },
    Delivery,
}

impl Step {
    fn saga(&self) -> Option<Saga> {
        match self {
            Self::Reserve { saga, .. }
            | Self::Confirm { saga, .. }
            | Self::Release { saga, .. }
            | Self::KeyReused { saga } => Some(*saga),
            Self::Delivery => None,
        }
    }
}

pub(super) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let saga = || {
        prop_oneof![
            4 => Just(Saga::First),
            4 => Just(Saga::Second),
            1 => Just(Saga::WrongAmount),
            1 => Just(Saga::UnknownProduct)
        ]
    };
    let crash_at = || weighted(0.25, 1..20_u32);
    let reason = || prop_oneof![Just(Code::CANCELLED_BY_CUSTOMER), Just(Code::DEADLINE_EXCEEDED)];
    let step = prop_oneof![
        6 => (saga(), crash_at()).prop_map(|(saga, crash_at)| Step::Reserve { saga, crash_at }),
        3 => (saga(), crash_at()).prop_map(|(saga, crash_at)| Step::Confirm { saga, crash_at }),
        3 => (saga(), reason(), crash_at()).prop_map(|(saga, reason, crash_at)| Step::Release { saga, reason, crash_at }),
        1 => saga().prop_map(|saga| Step::KeyReused { saga }),
        1 => Just(Step::Delivery),
    ];
    vec(step, 1..24)
}

/// The run of one sequence, with the rows as they should be.
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
        let unknown_product = ProductId::try_from(ProductId::MAX).expect("a product");
        let unknown = SagaOrder { product_id: unknown_product, ..fresh() };
        let rows = Rows { reservations: [const { None }; 4], quantity: UNITS.into(), reserved: 0 };
        Self { orders: [fresh(), fresh(), wrong, unknown], pool, price, rows }
    }

    pub(super) async fn verify(mut self, steps: &[Step]) -> Verification {
        for (number, step) in steps.iter().enumerate() {
            self.step(step).await.map_err(|why| format!("{}. {step:?}: {why}", number + 1))?;
        }
        for saga in SAGAS {
            let step = Step::Release { saga, reason: Code::DEADLINE_EXCEEDED, crash_at: None };
            self.step(&step).await.map_err(|why| format!("at the end (release): {why}"))?;
        }
        if self.rows.reserved == 0 { Ok(()) } else { Err("units stay reserved after all sagas have ended".to_owned()) }
    }

    async fn step(&mut self, step: &Step) -> Verification {
        let before = self.rows.clone();
        let (pool, order) = (&self.pool, |saga: Saga| &self.orders[saga as usize]);
        let (actual, expected) = match step {
            Step::Reserve { saga, crash_at } => {
                let call =
                    async { stock::reserve(pool, order(*saga)).await.map_or_else(Outcome::from, Outcome::Reserved) };
                (crashed_after(*crash_at, call).await, self.rows.reserve(*saga, self.price))
            }
            Step::Confirm { saga, crash_at } => {
                let call = async { stock::confirm(pool, order(*saga)).await.map_or_else(Outcome::from, Outcome::Done) };
                (crashed_after(*crash_at, call).await, self.rows.confirm(*saga))
            }
            Step::Release { saga, reason, crash_at } => {
                let call = async {
                    stock::release(pool, order(*saga), reason).await.map_or_else(Outcome::from, Outcome::Done)
                };
                (crashed_after(*crash_at, call).await, self.rows.release(*saga, reason))
            }
            Step::KeyReused { saga } => (self.call_with_reused_key(*saga).await, Outcome::KeyReused),
            Step::Delivery => {
                self.deliver().await?;
                (None, Outcome::KeyReused)
            }
        };
        let rows = self.read(step.saga()).await?;
        match actual {
            Some(outcome) if outcome != expected => {
                return Err(format!("the answer is {outcome:?}, expected {expected:?}"));
            }
            None if rows == before => self.rows = before,
            _ => {}
        }
        if rows == self.rows { Ok(()) } else { Err(format!("the rows are {rows:?}, expected {:?}", self.rows)) }
    }

    /// Makes all calls for another request with the same key, if the saga has a row.
    async fn call_with_reused_key(&self, saga: Saga) -> Option<Outcome> {
        self.rows.reservations[saga as usize].as_ref()?;
        let other = property::reused(&self.orders[saga as usize]);
        let reserve = stock::reserve(&self.pool, &other).await.map(drop);
        let confirm = stock::confirm(&self.pool, &other).await.map(drop);
        let release = stock::release(&self.pool, &other, &Code::DEADLINE_EXCEEDED).await.map(drop);
        let outcomes = [reserve, confirm, release].map(|result| result.map_or_else(Outcome::from, |()| succeeded()));
        outcomes.into_iter().find(|outcome| *outcome != Outcome::KeyReused).or(Some(Outcome::KeyReused))
    }

    async fn deliver(&mut self) -> Verification {
        let delivery = DeliveryId::try_from(harness::unique("delivery")).map_err(|error| error.to_string())?;
        let one = Quantity::try_from(1).map_err(|error| error.to_string())?;
        for _ in 0..2 {
            let added = products::add_delivery(&self.pool, self.orders[0].product_id, &delivery, one).await;
            added.map_err(|error| error.to_string())?;
        }
        self.rows.quantity += 1;
        Ok(())
    }

    /// Reads the rows that a step of this saga may have changed. For the other rows, it returns the expected values.
    async fn read(&self, saga: Option<Saga>) -> Result<Rows, String> {
        let mut reservations = self.rows.reservations.clone();
        if let Some(saga) = saga {
            reservations[saga as usize] = self.reservation(saga).await.map_err(|error| error.to_string())?;
        }
        let product =
            products::by_id(&self.pool, self.orders[0].product_id).await.map_err(|error| error.to_string())?;
        Ok(Rows { reservations, quantity: product.quantity, reserved: product.reserved })
    }

    /// Reads the row with a lock, which waits until the transaction of a crashed call has ended.
    async fn reservation(&self, saga: Saga) -> sqlx::Result<Reservation> {
        let mut connection = self.pool.acquire().await?;
        let row = reservations::lock(&mut connection, &self.orders[saga as usize].saga_id).await?;
        Ok(row.map(|row| (row.status, row.reason)))
    }
}

fn succeeded() -> Outcome {
    Outcome::Unexpected("the call succeeded".to_owned())
}
