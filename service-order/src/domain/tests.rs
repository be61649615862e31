//! The order row under random sequences of calls, on a real database, with crashes wherever a call waits for it.

use common::contract::order::OrderStatus;
use common::contract::{Code, SagaOrder};
use common::ids::OrderId;
use property::{Judgement, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};
use sqlx::MySqlPool;

use super::{Error, orders};
use crate::MIGRATOR;
use crate::store;

/// What a caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Order(OrderId),
    Undone,
    Cancelled(Code),
    Confirmed,
    KeyReused,
    NotFound,
    /// Never right.
    Fault(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled(reason) => Self::Cancelled(reason),
            Error::Confirmed => Self::Confirmed,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound => Self::NotFound,
            other @ Error::Database(_) => Self::Fault(other.to_string()),
        }
    }
}

/// What is called.
#[derive(Debug, Clone)]
enum What {
    Create,
    Confirm,
    Cancel(Code),
    /// A create of another request, where the saga has a row.
    CreateOther,
}

/// One call, and after how many waits it crashes.
#[derive(Debug, Clone)]
struct Call {
    what: What,
    crash: Option<u32>,
}

fn calls() -> impl Strategy<Value = Call> {
    let what = prop_oneof![
        4 => Just(What::Create),
        3 => Just(What::Confirm),
        1 => Just(What::Cancel(Code::CANCELLED_BY_CUSTOMER)),
        1 => Just(What::Cancel(Code::DEADLINE_EXCEEDED)),
        1 => Just(What::CreateOther),
    ];
    (what, weighted(0.25, 1..18_u32)).prop_map(|(what, crash)| Call { what, crash })
}

fn sequences() -> impl Strategy<Value = Vec<Call>> {
    vec(calls(), 1..20)
}

fn batches() -> impl Strategy<Value = Vec<Call>> {
    vec(calls(), 4..=8)
}

/// The row: its order's id, state and reason.
type Slot = Option<(OrderId, OrderStatus, Option<Code>)>;

/// What a call should answer, and what should become of the row.
fn model(slot: &mut Slot, what: &What, id: OrderId) -> Outcome {
    let cancelled = |reason: &Option<Code>| Outcome::Cancelled(reason.clone().expect("a cancelled order has a reason"));
    match (what, &mut *slot) {
        (What::Create, None) => {
            *slot = Some((id, OrderStatus::Pending, None));
            Outcome::Order(id)
        }
        (What::Confirm | What::CreateOther, None) => Outcome::NotFound,
        (What::Cancel(reason), None) => {
            *slot = Some((id, OrderStatus::Cancelled, Some(reason.clone())));
            Outcome::Undone
        }
        (What::CreateOther, Some(_)) => Outcome::KeyReused,
        (What::Create | What::Confirm, Some((_, OrderStatus::Cancelled, reason))) => cancelled(reason),
        (What::Create, Some((first, ..))) => Outcome::Order(*first),
        (What::Confirm, Some((first, status, _))) => {
            *status = OrderStatus::Confirmed;
            Outcome::Order(*first)
        }
        (What::Cancel(_), Some((_, OrderStatus::Confirmed, _))) => Outcome::Confirmed,
        (What::Cancel(_), Some((_, OrderStatus::Cancelled, _))) => Outcome::Undone,
        (What::Cancel(reason), Some((_, status, first))) => {
            (*status, *first) = (OrderStatus::Cancelled, Some(reason.clone()));
            Outcome::Undone
        }
    }
}

async fn run(pool: MySqlPool, order: SagaOrder, call: Call) -> Option<Outcome> {
    let done = async {
        match &call.what {
            What::Create => orders::create(&pool, &order).await.map(Outcome::Order),
            What::Confirm => orders::confirm(&pool, &order).await.map(Outcome::Order),
            What::Cancel(reason) => orders::cancel(&pool, &order, reason).await.map(|()| Outcome::Undone),
            What::CreateOther => match orders::by_saga(&pool, &order.saga_id).await {
                Ok(_) => orders::create(&pool, &property::reused(&order)).await.map(Outcome::Order),
                Err(error) => Err(error),
            },
        }
        .unwrap_or_else(Outcome::from)
    };
    crashed_after(call.crash, done).await
}

/// Read under its lock, so that what a crashed call has begun is over.
async fn read(pool: &MySqlPool, order: &SagaOrder) -> Result<Slot, String> {
    let row = async { store::orders::lock(&mut *pool.acquire().await?, &order.saga_id).await };
    let row = row.await.map_err(|error: sqlx::Error| error.to_string())?;
    Ok(row.map(|row| (row.order_id, row.status, row.reason)))
}

async fn judge_sequence(pool: &MySqlPool, calls: &[Call]) -> Judgement {
    let order = property::order(1, 2);
    let mut slot = None;
    for (number, call) in calls.iter().enumerate() {
        let wrong = |what: String| Err(format!("{}. {call:?}: {what}", number + 1));
        let order = SagaOrder { order_id: OrderId::new(), ..order.clone() };
        let before = slot.clone();
        let should_be = model(&mut slot, &call.what, order.order_id);
        let went = run(pool.clone(), order.clone(), call.clone()).await;
        let row = read(pool, &order).await?;
        match went {
            Some(outcome) if outcome != should_be => return wrong(format!("is {outcome:?}, should be {should_be:?}")),
            None if row == before => slot = before,
            _ => {}
        }
        if row != slot {
            return wrong(format!("the row is {row:?}, should be {slot:?}"));
        }
    }
    Ok(())
}

/// Runs a batch, then a cancel and a create: the answers agree with each other and with the row.
async fn judge_batch(pool: &MySqlPool, batch: &[Call]) -> Judgement {
    let order = property::order(1, 2);
    let with_own_id = || SagaOrder { order_id: OrderId::new(), ..order.clone() };
    let mut answers = start_together(batch.iter().map(|call| run(pool.clone(), with_own_id(), call.clone()))).await;
    for what in [What::Cancel(Code::DEADLINE_EXCEEDED), What::Create] {
        answers.push(run(pool.clone(), with_own_id(), Call { what, crash: None }).await);
    }
    let (id, status, reason) = read(pool, &order).await?.ok_or("there is no row")?;
    let is_confirmed = status == OrderStatus::Confirmed;
    let agrees = |answer: &Outcome| match answer {
        Outcome::Order(got) => *got == id,
        Outcome::Undone => !is_confirmed,
        Outcome::Cancelled(got) => !is_confirmed && reason.as_ref() == Some(got),
        Outcome::Confirmed => is_confirmed,
        Outcome::KeyReused | Outcome::NotFound => true,
        Outcome::Fault(_) => false,
    };
    let confirm_answered = batch
        .iter()
        .zip(&answers)
        .any(|(call, answer)| matches!((&call.what, answer), (What::Confirm, Some(Outcome::Order(_)))));
    let is_right =
        answers.iter().flatten().all(agrees) && status != OrderStatus::Pending && (is_confirmed || !confirm_answered);
    if is_right { Ok(()) } else { Err(format!("the row is {status:?} {reason:?}, and the answers were {answers:?}")) }
}

#[test]
fn every_sequence_of_calls_does_to_an_order_what_the_table_says() {
    property::check(1500, sequences, property::database("orders", &MIGRATOR), judge_sequence);
}

#[test]
fn of_a_confirm_and_a_cancel_at_the_same_time_one_wins_for_ever() {
    property::check(400, batches, property::database("orders", &MIGRATOR), judge_batch);
}
