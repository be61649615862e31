//! Calls of two sagas at the same time, for pieces that are enough for one.

use common::contract::inventory::{Reservation, ReservationStatus};
use common::contract::{Code, SagaOrder};
use common::ids::{IdempotencyKey, SagaId};
use property::{Judgement, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use sqlx::MySqlPool;

use super::model::Outcome;
use super::{PIECES, order_of_a_new_product};
use crate::domain::{products, stock};

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Reserve,
    Confirm,
    Release,
}

/// One of the calls that begin at the same time.
#[derive(Debug, Clone)]
pub(super) struct Call {
    what: What,
    is_of_second_saga: bool,
    crash: Option<u32>,
}

/// Batches of four to eight calls.
pub(super) fn batches() -> impl Strategy<Value = Vec<Call>> {
    let what = prop_oneof![3 => Just(What::Reserve), 1 => Just(What::Confirm), 1 => Just(What::Release)];
    let call = (what, any::<bool>(), weighted(0.25, 1..24_u32));
    vec(call.prop_map(|(what, is_of_second_saga, crash)| Call { what, is_of_second_saga, crash }), 4..=8)
}

async fn run(pool: MySqlPool, order: SagaOrder, what: What, crash: Option<u32>) -> Option<Outcome> {
    let call = async {
        match what {
            What::Reserve => stock::reserve(&pool, &order).await.map(Outcome::Reserved),
            What::Confirm => stock::confirm(&pool, &order).await.map(Outcome::Done),
            What::Release => stock::release(&pool, &order, &Code::DEADLINE_EXCEEDED).await.map(Outcome::Done),
        }
        .unwrap_or_else(Outcome::from)
    };
    crashed_after(crash, call).await
}

/// Runs a batch, then a release of both sagas: no piece is lost or doubled, and the answers agree with the end.
pub(super) async fn judge(pool: &MySqlPool, batch: &[Call]) -> Judgement {
    let first = order_of_a_new_product(pool).await;
    let second = SagaOrder { saga_id: SagaId::of(&IdempotencyKey::fresh()), ..first.clone() };
    let orders = [first, second];
    let order_of = |call: &Call| orders[usize::from(call.is_of_second_saga)].clone();
    let calls = batch.iter().map(|call| run(pool.clone(), order_of(call), call.what, call.crash));
    let outcomes = start_together(calls).await;
    let mut confirmed = 0;
    for (order, is_second) in orders.iter().zip([false, true]) {
        let own = batch.iter().zip(&outcomes).filter(|(call, _)| call.is_of_second_saga == is_second);
        let own = own.filter_map(|(call, outcome)| Some((call.what, outcome.clone()?)));
        let mut own: Vec<_> = own.collect();
        for what in [What::Release, What::Reserve, What::Confirm] {
            own.extend(run(pool.clone(), order.clone(), what, None).await.map(|outcome| (what, outcome)));
        }
        let row = stock::by_saga(pool, &order.saga_id).await.map_err(|error| error.to_string())?;
        agrees(&row, &own).map_err(|why| format!("{why}: {row:?}, and the answers were {own:?}"))?;
        confirmed += if row.status == ReservationStatus::Confirmed { order.quantity.get() } else { 0 };
    }
    let product = products::by_id(pool, orders[0].product_id).await.map_err(|error| error.to_string())?;
    if (product.quantity, product.reserved) == (i64::from(PIECES) - confirmed, 0) {
        Ok(())
    } else {
        Err(format!("{confirmed} pieces were confirmed, and {product:?} is left"))
    }
}

/// Do the answers agree with each other, and with the row at the end?
fn agrees(row: &Reservation, answers: &[(What, Outcome)]) -> Result<(), &'static str> {
    let was = |outcome: fn(&Outcome) -> bool, what| answers.iter().any(|(asked, got)| *asked == what && outcome(got));
    let done = |outcome: &Outcome| matches!(outcome, Outcome::Done(_));
    let is_confirmed = row.status == ReservationStatus::Confirmed;
    if answers.iter().any(|(_, got)| matches!(got, Outcome::Fault(_))) {
        Err("a call failed")
    } else if !is_confirmed && row.status != ReservationStatus::Released {
        Err("it is not over")
    } else if was(done, What::Confirm) != is_confirmed || was(done, What::Release) == is_confirmed {
        Err("a confirm or a release was not for ever")
    } else if was(|got| matches!(got, Outcome::Reserved(_)), What::Reserve)
        && was(|got| matches!(got, Outcome::Refused(_)), What::Reserve)
    {
        Err("one call reserved, another one was refused")
    } else {
        Ok(())
    }
}
