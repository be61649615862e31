//! Random sequences of calls for one order row, on a real database. A call may crash when it waits for the database.

use common::contract::order::OrderStatus;
use common::contract::{Code, SagaOrder};
use common::ids::OrderId;
use property::{Verification, crashed_after, start_together};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, prop_oneof};
use sqlx::MySqlPool;

use super::{Error, orders};
use crate::MIGRATOR;
use crate::store;

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Order(OrderId),
    Cancelled,
    SagaCancelled(Code),
    AlreadyConfirmed,
    KeyReused,
    NotFound,
    /// This outcome is always wrong.
    Unexpected(String),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::SagaCancelled(reason) => Self::SagaCancelled(reason),
            Error::AlreadyConfirmed => Self::AlreadyConfirmed,
            Error::KeyReused => Self::KeyReused,
            Error::NotFound => Self::NotFound,
            other @ Error::Database(_) => Self::Unexpected(other.to_string()),
        }
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Create,
    Confirm,
    Cancel(Code),
    /// An `order.create` for another request with the same key. It is skipped while the saga has no row.
    CreateOther,
}

#[derive(Debug, Clone)]
struct Call {
    operation: Operation,
    /// The call crashes when it waits for the nth time.
    crash_at: Option<u32>,
}

fn calls() -> impl Strategy<Value = Call> {
    let operation = prop_oneof![
        4 => Just(Operation::Create),
        3 => Just(Operation::Confirm),
        1 => Just(Operation::Cancel(Code::CANCELLED_BY_CUSTOMER)),
        1 => Just(Operation::Cancel(Code::DEADLINE_EXCEEDED)),
        1 => Just(Operation::CreateOther),
    ];
    (operation, weighted(0.25, 1..18_u32)).prop_map(|(operation, crash_at)| Call { operation, crash_at })
}

fn sequences() -> impl Strategy<Value = Vec<Call>> {
    vec(calls(), 1..20)
}

fn batches() -> impl Strategy<Value = Vec<Call>> {
    vec(calls(), 4..=8)
}

/// The row: the order's id, its status and the reason.
type Row = Option<(OrderId, OrderStatus, Option<Code>)>;

/// Returns the expected answer to a call, and changes the row as the call should.
fn expect(row: &mut Row, operation: &Operation, id: OrderId) -> Outcome {
    let cancelled =
        |reason: &Option<Code>| Outcome::SagaCancelled(reason.clone().expect("a cancelled order has a reason"));
    match (operation, &mut *row) {
        (Operation::Create, None) => {
            *row = Some((id, OrderStatus::Pending, None));
            Outcome::Order(id)
        }
        (Operation::Confirm | Operation::CreateOther, None) => Outcome::NotFound,
        (Operation::Cancel(reason), None) => {
            *row = Some((id, OrderStatus::Cancelled, Some(reason.clone())));
            Outcome::Cancelled
        }
        (Operation::CreateOther, Some(_)) => Outcome::KeyReused,
        (Operation::Create | Operation::Confirm, Some((_, OrderStatus::Cancelled, reason))) => cancelled(reason),
        (Operation::Create, Some((first, ..))) => Outcome::Order(*first),
        (Operation::Confirm, Some((first, status, _))) => {
            *status = OrderStatus::Confirmed;
            Outcome::Order(*first)
        }
        (Operation::Cancel(_), Some((_, OrderStatus::Confirmed, _))) => Outcome::AlreadyConfirmed,
        (Operation::Cancel(_), Some((_, OrderStatus::Cancelled, _))) => Outcome::Cancelled,
        (Operation::Cancel(reason), Some((_, status, first))) => {
            (*status, *first) = (OrderStatus::Cancelled, Some(reason.clone()));
            Outcome::Cancelled
        }
    }
}

/// Returns `None` if the call crashed.
async fn run(pool: MySqlPool, order: SagaOrder, call: Call) -> Option<Outcome> {
    let outcome = async {
        match &call.operation {
            Operation::Create => orders::create(&pool, &order).await.map(Outcome::Order),
            Operation::Confirm => orders::confirm(&pool, &order).await.map(Outcome::Order),
            Operation::Cancel(reason) => orders::cancel(&pool, &order, reason).await.map(|()| Outcome::Cancelled),
            Operation::CreateOther => match orders::by_saga(&pool, &order.saga_id).await {
                Ok(_) => orders::create(&pool, &property::reused(&order)).await.map(Outcome::Order),
                Err(error) => Err(error),
            },
        }
        .unwrap_or_else(Outcome::from)
    };
    crashed_after(call.crash_at, outcome).await
}

/// Reads the row with a lock, which waits until the transaction of a crashed call has ended.
async fn read(pool: &MySqlPool, order: &SagaOrder) -> Result<Row, String> {
    let row = async { store::orders::lock(&mut *pool.acquire().await?, &order.saga_id).await };
    let row = row.await.map_err(|error: sqlx::Error| error.to_string())?;
    Ok(row.map(|row| (row.order_id, row.status, row.reason)))
}

async fn verify_sequence(pool: &MySqlPool, calls: &[Call]) -> Verification {
    let order = property::order(1, 2);
    let mut expected_row = None;
    for (number, call) in calls.iter().enumerate() {
        let wrong = |what: String| Err(format!("{}. {call:?}: {what}", number + 1));
        let order = SagaOrder { order_id: OrderId::new(), ..order.clone() };
        let before = expected_row.clone();
        let expected = expect(&mut expected_row, &call.operation, order.order_id);
        let actual = run(pool.clone(), order.clone(), call.clone()).await;
        let row = read(pool, &order).await?;
        match actual {
            Some(outcome) if outcome != expected => {
                return wrong(format!("the answer is {outcome:?}, expected {expected:?}"));
            }
            None if row == before => expected_row = before,
            _ => {}
        }
        if row != expected_row {
            return wrong(format!("the row is {row:?}, expected {expected_row:?}"));
        }
    }
    Ok(())
}

/// Runs a batch of calls at the same time, then an `order.cancel` and an `order.create`. The answers must agree with
/// each other and with the row.
async fn verify_batch(pool: &MySqlPool, batch: &[Call]) -> Verification {
    let order = property::order(1, 2);
    let with_new_id = || SagaOrder { order_id: OrderId::new(), ..order.clone() };
    let mut answers = start_together(batch.iter().map(|call| run(pool.clone(), with_new_id(), call.clone()))).await;
    for operation in [Operation::Cancel(Code::DEADLINE_EXCEEDED), Operation::Create] {
        answers.push(run(pool.clone(), with_new_id(), Call { operation, crash_at: None }).await);
    }
    let (id, status, reason) = read(pool, &order).await?.ok_or("there is no row")?;
    let is_confirmed = status == OrderStatus::Confirmed;
    let agrees = |answer: &Outcome| match answer {
        Outcome::Order(answered) => *answered == id,
        Outcome::Cancelled => !is_confirmed,
        Outcome::SagaCancelled(answered) => !is_confirmed && reason.as_ref() == Some(answered),
        Outcome::AlreadyConfirmed => is_confirmed,
        Outcome::KeyReused | Outcome::NotFound => true,
        Outcome::Unexpected(_) => false,
    };
    let confirm_answered = batch
        .iter()
        .zip(&answers)
        .any(|(call, answer)| matches!((&call.operation, answer), (Operation::Confirm, Some(Outcome::Order(_)))));
    let is_right =
        answers.iter().flatten().all(agrees) && status != OrderStatus::Pending && (is_confirmed || !confirm_answered);
    if is_right { Ok(()) } else { Err(format!("the row is {status:?} {reason:?}, and the answers were {answers:?}")) }
}

#[test]
fn every_sequence_of_calls_changes_an_order_as_the_model_expects() {
    property::check(1500, sequences, property::database("orders", &MIGRATOR), verify_sequence);
}

#[test]
fn a_simultaneous_confirm_and_cancel_have_exactly_one_winner() {
    property::check(400, batches, property::database("orders", &MIGRATOR), verify_batch);
}
