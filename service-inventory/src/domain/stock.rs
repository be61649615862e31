//! The life of a reservation. A transaction locks the saga's row first and the stock row last, just before the commit.

use common::contract::inventory::Reservation;
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::SagaId;
use common::money::Money;
use sqlx::{MySqlConnection, MySqlPool};

use super::Error;
use crate::model::{self, Confirm, Conflict, Release, Reserve, Status};
use crate::store::reservations::{self, LockedRow};
use crate::store::{products, stock};

/// At most this many unfinished sagas are listed.
const UNFINISHED_LIMIT: u32 = 1000;

/// `stock.reserve`: reserves the units and returns the price per unit. A refusal is stored, and every later call
/// returns it.
pub(crate) async fn reserve(pool: &MySqlPool, order: &SagaOrder) -> Result<Money, Error> {
    retrying("stock.reserve", || async {
        let mut tx = pool.begin().await?;
        reservations::insert(&mut tx, order).await?;
        let row = lock_checked(&mut tx, order).await?;
        match model::reserve(row.status).map_err(|conflict| conflict_error(conflict, &row))? {
            Reserve::Nothing => row.unit_price.ok_or_else(|| sqlx::Error::Decode("unit_price is NULL".into()).into()),
            Reserve::Allocate => {
                let outcome = allocate(&mut tx, order).await?;
                tx.commit().await?;
                outcome.map_err(Error::Refused)
            }
        }
    })
    .await
}

/// Reserves the units or refuses, and stores the outcome in the row.
async fn allocate(db: &mut MySqlConnection, order: &SagaOrder) -> sqlx::Result<Result<Money, Code>> {
    let price = products::price(db, order.product_id).await?;
    let Some(unit_price) = price else { return refuse(db, order, price, Code::UNKNOWN_PRODUCT).await };
    if unit_price.times(order.quantity) != Some(order.amount) {
        return refuse(db, order, price, Code::AMOUNT_MISMATCH).await;
    }
    // The row is updated before the stock, so that the commit directly follows the lock of the stock row.
    reservations::record_outcome(db, &order.saga_id, Status::Reserved, price, None).await?;
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
    reservations::record_outcome(db, &order.saga_id, Status::Refused, unit_price, Some(&code)).await?;
    Ok(Err(code))
}

/// `stock.confirm`: removes the reserved units from the stock.
pub(crate) async fn confirm(pool: &MySqlPool, order: &SagaOrder) -> Result<Status, Error> {
    retrying("stock.confirm", || async {
        let mut tx = pool.begin().await?;
        let row = lock_checked(&mut tx, order).await?;
        match model::confirm(row.status).map_err(|conflict| conflict_error(conflict, &row))? {
            Confirm::Nothing => {}
            Confirm::RemoveUnits => {
                reservations::finish(&mut tx, &order.saga_id, Status::Confirmed, None).await?;
                stock::remove(&mut tx, row.product_id, row.quantity).await?;
            }
        }
        tx.commit().await?;
        Ok(Status::Confirmed)
    })
    .await
}

/// `stock.release`: frees the reserved units. If nothing was reserved, the row becomes a tombstone. The row keeps its
/// first reason.
pub(crate) async fn release(pool: &MySqlPool, order: &SagaOrder, reason: &Code) -> Result<Status, Error> {
    retrying("stock.release", || async {
        let mut tx = pool.begin().await?;
        reservations::insert(&mut tx, order).await?;
        let row = lock_checked(&mut tx, order).await?;
        let change = model::release(row.status).map_err(|conflict| conflict_error(conflict, &row))?;
        if change != Release::Nothing {
            let reason = row.reason.as_ref().unwrap_or(reason);
            reservations::finish(&mut tx, &order.saga_id, Status::Released, Some(reason)).await?;
        }
        if change == Release::FreeUnits {
            stock::free(&mut tx, row.product_id, row.quantity).await?;
        }
        tx.commit().await?;
        Ok(Status::Released)
    })
    .await
}

/// Locks the saga's row. A row that belongs to another request is an error.
async fn lock_checked(db: &mut MySqlConnection, order: &SagaOrder) -> Result<LockedRow, Error> {
    let row = reservations::lock(db, &order.saga_id).await?.ok_or(NO_RESERVATION)?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

const NO_RESERVATION: Error = Error::NotFound("reservation");

fn conflict_error(conflict: Conflict, row: &LockedRow) -> Error {
    let reason = || row.reason.clone().unwrap_or(Code::SAGA_CANCELLED);
    match conflict {
        Conflict::Refused => Error::Refused(reason()),
        Conflict::SagaCancelled => Error::SagaCancelled(reason()),
        Conflict::AlreadyConfirmed => Error::AlreadyConfirmed,
        Conflict::NoReservation => NO_RESERVATION,
    }
}

pub(crate) async fn by_saga(pool: &MySqlPool, saga_id: &SagaId) -> Result<Reservation, Error> {
    let reservation =
        retrying("reservation.read", || async { reservations::by_saga(&mut *pool.acquire().await?, saga_id).await });
    reservation.await?.ok_or(NO_RESERVATION)
}

pub(crate) async fn unfinished(pool: &MySqlPool, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
    let sagas = retrying("reservation.unfinished", || async {
        reservations::unfinished(&mut *pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await
    });
    Ok(sagas.await?)
}
