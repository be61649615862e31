//! The life of an order. A transaction locks only one row, the saga's.

use common::contract::order::{Order, OrderStatus};
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::{OrderId, SagaId};
use sqlx::{MySqlConnection, MySqlPool};

use super::Error;
use crate::model::{self, Change, Conflict};
use crate::store::orders::{self, LockedRow};

/// At most this many unfinished sagas are listed.
const UNFINISHED_LIMIT: u32 = 1000;

/// `order.create`: creates the order with the status PENDING. Returns the id that the first call stored.
pub(crate) async fn create(pool: &MySqlPool, order: &SagaOrder) -> Result<OrderId, Error> {
    retrying("order.create", || async {
        let mut tx = pool.begin().await?;
        orders::insert(&mut tx, order, OrderStatus::Pending, None).await?;
        let row = lock_checked(&mut tx, order).await?;
        model::create(row.status).map_err(|conflict| conflict_error(conflict, &row))?;
        tx.commit().await?;
        Ok(row.order_id)
    })
    .await
}

/// `order.confirm`: sets the order to CONFIRMED. Returns its id.
pub(crate) async fn confirm(pool: &MySqlPool, order: &SagaOrder) -> Result<OrderId, Error> {
    retrying("order.confirm", || async {
        let mut tx = pool.begin().await?;
        let row = lock_checked(&mut tx, order).await?;
        let change = model::confirm(row.status).map_err(|conflict| conflict_error(conflict, &row))?;
        apply(&mut tx, &order.saga_id, change, None).await?;
        tx.commit().await?;
        Ok(row.order_id)
    })
    .await
}

/// `order.cancel`: sets the order to CANCELLED. If the order was never created, the call leaves a tombstone.
pub(crate) async fn cancel(pool: &MySqlPool, order: &SagaOrder, reason: &Code) -> Result<(), Error> {
    retrying("order.cancel", || async {
        let mut tx = pool.begin().await?;
        orders::insert(&mut tx, order, OrderStatus::Cancelled, Some(reason)).await?;
        let row = lock_checked(&mut tx, order).await?;
        let change = model::cancel(row.status).map_err(|conflict| conflict_error(conflict, &row))?;
        apply(&mut tx, &order.saga_id, change, Some(reason)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Locks the saga's row. A row that belongs to another request is an error.
async fn lock_checked(db: &mut MySqlConnection, order: &SagaOrder) -> Result<LockedRow, Error> {
    let row = orders::lock(db, &order.saga_id).await?.ok_or(Error::NotFound)?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

async fn apply(db: &mut MySqlConnection, saga_id: &SagaId, change: Change, reason: Option<&Code>) -> sqlx::Result<()> {
    match change {
        Change::Nothing => Ok(()),
        Change::To(status) => orders::set_status(db, saga_id, status, reason).await,
    }
}

fn conflict_error(conflict: Conflict, row: &LockedRow) -> Error {
    match conflict {
        Conflict::SagaCancelled => Error::SagaCancelled(row.reason.clone().unwrap_or(Code::SAGA_CANCELLED)),
        Conflict::AlreadyConfirmed => Error::AlreadyConfirmed,
    }
}

pub(crate) async fn by_id(pool: &MySqlPool, id: OrderId) -> Result<Order, Error> {
    let saga_id = retrying("order.read", || async { orders::saga_of(&mut *pool.acquire().await?, id).await }).await?;
    by_saga(pool, &saga_id.ok_or(Error::NotFound)?).await
}

pub(crate) async fn by_saga(pool: &MySqlPool, saga_id: &SagaId) -> Result<Order, Error> {
    let order =
        retrying("order.read", || async { orders::by_saga(&mut *pool.acquire().await?, saga_id).await }).await?;
    order.ok_or(Error::NotFound)
}

pub(crate) async fn unfinished(pool: &MySqlPool, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
    let sagas = retrying("order.unfinished", || async {
        orders::unfinished(&mut *pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await
    });
    Ok(sagas.await?)
}
