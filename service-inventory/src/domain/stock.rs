//! The life of a reservation. Lock order: the saga's row first, the stock row last, right before the commit.

use common::contract::inventory::Reservation;
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::SagaId;
use common::money::Money;
use sqlx::{MySqlConnection, MySqlPool};

use super::Error;
use crate::model::{self, Confirm, Conflict, Release, Reserve, Status};
use crate::store::reservations::{self, Locked};
use crate::store::{products, stock};

/// As many unfinished sagas are listed at once.
const UNFINISHED_LIMIT: u32 = 1000;

/// `stock.reserve`: the pieces are promised. Returns the price of one; a refusal is written down and stays.
pub(crate) async fn reserve(pool: &MySqlPool, order: &SagaOrder) -> Result<Money, Error> {
    retrying("stock.reserve", || async {
        let mut tx = pool.begin().await?;
        reservations::insert(&mut tx, order).await?;
        let row = lock_own(&mut tx, order).await?;
        match model::reserve(row.status).map_err(|conflict| refusal(conflict, &row))? {
            Reserve::Nothing => row.unit_price.ok_or_else(|| sqlx::Error::Decode("unit_price is NULL".into()).into()),
            Reserve::Decide => {
                let decision = decide(&mut tx, order).await?;
                tx.commit().await?;
                decision.map_err(Error::Refused)
            }
        }
    })
    .await
}

/// Promises the pieces or refuses, and writes that down.
async fn decide(db: &mut MySqlConnection, order: &SagaOrder) -> sqlx::Result<Result<Money, Code>> {
    let price = products::price(db, order.product_id).await?;
    let Some(unit_price) = price else { return refuse(db, order, price, Code::UNKNOWN_PRODUCT).await };
    if unit_price.times(order.quantity) != Some(order.amount) {
        return refuse(db, order, price, Code::AMOUNT_MISMATCH).await;
    }
    // Before the stock, so that nothing but the commit comes between the lock of that hot row and its end.
    reservations::decide(db, &order.saga_id, Status::Reserved, price, None).await?;
    if stock::reserve(db, order.product_id, order.quantity).await? {
        Ok(Ok(unit_price))
    } else {
        refuse(db, order, price, Code::INSUFFICIENT_STOCK).await
    }
}

async fn refuse(
    db: &mut MySqlConnection,
    order: &SagaOrder,
    unit_price: Option<Money>,
    code: Code,
) -> sqlx::Result<Result<Money, Code>> {
    reservations::decide(db, &order.saga_id, Status::Refused, unit_price, Some(&code)).await?;
    Ok(Err(code))
}

/// `stock.confirm`: the promised pieces are gone.
pub(crate) async fn confirm(pool: &MySqlPool, order: &SagaOrder) -> Result<Status, Error> {
    retrying("stock.confirm", || async {
        let mut tx = pool.begin().await?;
        let row = lock_own(&mut tx, order).await?;
        match model::confirm(row.status).map_err(|conflict| refusal(conflict, &row))? {
            Confirm::Nothing => {}
            Confirm::Take => {
                reservations::finish(&mut tx, &order.saga_id, Status::Confirmed, None).await?;
                stock::take(&mut tx, row.product_id, row.quantity).await?;
            }
        }
        tx.commit().await?;
        Ok(Status::Confirmed)
    })
    .await
}

/// `stock.release`: the pieces are free again, also if they never were promised. The row keeps its first reason.
pub(crate) async fn release(pool: &MySqlPool, order: &SagaOrder, reason: &Code) -> Result<Status, Error> {
    retrying("stock.release", || async {
        let mut tx = pool.begin().await?;
        reservations::insert(&mut tx, order).await?;
        let row = lock_own(&mut tx, order).await?;
        let change = model::release(row.status).map_err(|conflict| refusal(conflict, &row))?;
        if change != Release::Nothing {
            let reason = row.reason.as_ref().unwrap_or(reason);
            reservations::finish(&mut tx, &order.saga_id, Status::Released, Some(reason)).await?;
        }
        if change == Release::GiveBack {
            stock::give_back(&mut tx, row.product_id, row.quantity).await?;
        }
        tx.commit().await?;
        Ok(Status::Released)
    })
    .await
}

async fn lock_own(db: &mut MySqlConnection, order: &SagaOrder) -> Result<Locked, Error> {
    let row = reservations::lock(db, &order.saga_id).await?.ok_or(MISSING)?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

const MISSING: Error = Error::NotFound("reservation");

fn refusal(conflict: Conflict, row: &Locked) -> Error {
    let reason = || row.reason.clone().unwrap_or(Code::SAGA_CANCELLED);
    match conflict {
        Conflict::Refused => Error::Refused(reason()),
        Conflict::Cancelled => Error::Cancelled(reason()),
        Conflict::Confirmed => Error::Confirmed,
        Conflict::Missing => MISSING,
    }
}

/// The reservation of a saga.
pub(crate) async fn by_saga(pool: &MySqlPool, saga_id: &SagaId) -> Result<Reservation, Error> {
    let found =
        retrying("reservation.read", || async { reservations::by_saga(&mut *pool.acquire().await?, saga_id).await });
    found.await?.ok_or(MISSING)
}

/// The oldest reservations that are neither confirmed nor released.
pub(crate) async fn unfinished(pool: &MySqlPool, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
    let listed = retrying("reservation.unfinished", || async {
        reservations::unfinished(&mut *pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await
    });
    Ok(listed.await?)
}
