//! Concurrent calls for two sagas. They compete for units that are enough for only one of them.

use common::contract::inventory::{Reservation, ReservationStatus};
use common::contract::{Code, SagaOrder};
use common::ids::{IdempotencyKey, SagaId};
use property::{Verification, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use sqlx::MySqlPool;

use super::model::Outcome;
use super::{UNITS, order_of_a_new_product};
use crate::domain::{products, stock};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Reserve,
    Confirm,
    Release,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    operation: Operation,
    is_of_second_saga: bool,
    /// The call crashes when it waits for the nth time.
    crash_at: Option<u32>,
}

pub(super) fn batches() -> impl Strategy<Value = Vec<Call>> {
    let operation =
        prop_oneof![3 => Just(Operation::Reserve), 1 => Just(Operation::Confirm), 1 => Just(Operation::Release)];
    let call = (operation, any::<bool>(), weighted(0.25, 1..24_u32));
    let call =
        call.prop_map(|(operation, is_of_second_saga, crash_at)| Call { operation, is_of_second_saga, crash_at });
    vec(call, 4..=8)
}

/// Returns `None` if the call crashed.
async fn run(pool: MySqlPool, order: SagaOrder, operation: Operation, crash_at: Option<u32>) -> Option<Outcome> {
    let call = async {
        match operation {
            Operation::Reserve => stock::reserve(&pool, &order).await.map(Outcome::Reserved),
            Operation::Confirm => stock::confirm(&pool, &order).await.map(Outcome::Done),
            Operation::Release => stock::release(&pool, &order, &Code::DEADLINE_EXCEEDED).await.map(Outcome::Done),
        }
        .unwrap_or_else(Outcome::from)
    };
    crashed_after(crash_at, call).await
}

/// Runs a batch, then releases both sagas. The stock must be right, and the answers must agree with the rows.
pub(super) async fn verify(pool: &MySqlPool, batch: &[Call]) -> Verification {
    let first = order_of_a_new_product(pool).await;
    let second = SagaOrder { saga_id: SagaId::of(&IdempotencyKey::fresh()), ..first.clone() };
    let orders = [first, second];
    let order_of = |call: &Call| orders[usize::from(call.is_of_second_saga)].clone();
    let calls = batch.iter().map(|call| run(pool.clone(), order_of(call), call.operation, call.crash_at));
    let outcomes = start_together(calls).await;
    let mut confirmed = 0;
    for (order, is_second) in orders.iter().zip([false, true]) {
        let answers = batch.iter().zip(&outcomes).filter(|(call, _)| call.is_of_second_saga == is_second);
        let answers = answers.filter_map(|(call, outcome)| Some((call.operation, outcome.clone()?)));
        let mut answers: Vec<_> = answers.collect();
        for operation in [Operation::Release, Operation::Reserve, Operation::Confirm] {
            let outcome = run(pool.clone(), order.clone(), operation, None).await;
            answers.extend(outcome.map(|outcome| (operation, outcome)));
        }
        let row = stock::by_saga(pool, &order.saga_id).await.map_err(|error| error.to_string())?;
        agrees(&row, &answers).map_err(|why| format!("{why}: {row:?}, and the answers were {answers:?}"))?;
        confirmed += if row.status == ReservationStatus::Confirmed { order.quantity.get() } else { 0 };
    }
    let product = products::by_id(pool, orders[0].product_id).await.map_err(|error| error.to_string())?;
    if (product.quantity, product.reserved) == (i64::from(UNITS) - confirmed, 0) {
        Ok(())
    } else {
        Err(format!("{confirmed} units were confirmed, and the stock is {product:?}"))
    }
}

/// Checks that the answers agree with each other and with the row.
fn agrees(row: &Reservation, answers: &[(Operation, Outcome)]) -> Result<(), &'static str> {
    let any_answer = |is: fn(&Outcome) -> bool, operation| {
        answers.iter().any(|(called, outcome)| *called == operation && is(outcome))
    };
    let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Done(_));
    let is_confirmed = row.status == ReservationStatus::Confirmed;
    if answers.iter().any(|(_, outcome)| matches!(outcome, Outcome::Unexpected(_))) {
        Err("a call failed")
    } else if !is_confirmed && row.status != ReservationStatus::Released {
        Err("the reservation is neither confirmed nor released")
    } else if any_answer(is_done, Operation::Confirm) != is_confirmed
        || any_answer(is_done, Operation::Release) == is_confirmed
    {
        Err("a confirm or a release did not last")
    } else if any_answer(|outcome| matches!(outcome, Outcome::Reserved(_)), Operation::Reserve)
        && any_answer(|outcome| matches!(outcome, Outcome::Refused(_)), Operation::Reserve)
    {
        Err("one call reserved the units, and another was refused")
    } else {
        Ok(())
    }
}
