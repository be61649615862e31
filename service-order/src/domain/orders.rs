//! The life of an order. Only one row is ever locked: the saga's.

use common::contract::order::{Order, OrderStatus};
use common::contract::saga::UnfinishedSaga;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::{OrderId, SagaId};
use sqlx::{MySqlConnection, MySqlPool};

use super::Error;
use crate::model::{self, Change, Conflict};
use crate::store::orders::{self, Locked};

/// As many unfinished sagas are listed at once.
const UNFINISHED_LIMIT: u32 = 1000;

/// `order.create`: the order is there and PENDING. Returns its id, that of the first call.
pub(crate) async fn create(pool: &MySqlPool, order: &SagaOrder) -> Result<OrderId, Error> {
    retrying("order.create", || async {
        let mut tx = pool.begin().await?;
        orders::insert(&mut tx, order, OrderStatus::Pending, None).await?;
        let row = lock_own(&mut tx, order).await?;
        model::create(row.status).map_err(|conflict| refusal(conflict, &row))?;
        tx.commit().await?;
        Ok(row.order_id)
    })
    .await
}

/// `order.confirm`: the order is CONFIRMED. Returns its id.
pub(crate) async fn confirm(pool: &MySqlPool, order: &SagaOrder) -> Result<OrderId, Error> {
    retrying("order.confirm", || async {
        let mut tx = pool.begin().await?;
        let row = lock_own(&mut tx, order).await?;
        let change = model::confirm(row.status).map_err(|conflict| refusal(conflict, &row))?;
        apply(&mut tx, &order.saga_id, change, None).await?;
        tx.commit().await?;
        Ok(row.order_id)
    })
    .await
}

/// `order.cancel`: the order is CANCELLED, also if it never was.
pub(crate) async fn cancel(pool: &MySqlPool, order: &SagaOrder, reason: &Code) -> Result<(), Error> {
    retrying("order.cancel", || async {
        let mut tx = pool.begin().await?;
        orders::insert(&mut tx, order, OrderStatus::Cancelled, Some(reason)).await?;
        let row = lock_own(&mut tx, order).await?;
        let change = model::cancel(row.status).map_err(|conflict| refusal(conflict, &row))?;
        apply(&mut tx, &order.saga_id, change, Some(reason)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn lock_own(db: &mut MySqlConnection, order: &SagaOrder) -> Result<Locked, Error> {
    let row = orders::lock(db, &order.saga_id).await?.ok_or(Error::NotFound)?;
    if row.fingerprint == order.fingerprint { Ok(row) } else { Err(Error::KeyReused) }
}

async fn apply(db: &mut MySqlConnection, saga_id: &SagaId, change: Change, reason: Option<&Code>) -> sqlx::Result<()> {
    match change {
        Change::Nothing => Ok(()),
        Change::To(status) => orders::set_status(db, saga_id, status, reason).await,
    }
}

fn refusal(conflict: Conflict, row: &Locked) -> Error {
    match conflict {
        Conflict::Cancelled => Error::Cancelled(row.reason.clone().unwrap_or(Code::SAGA_CANCELLED)),
        Conflict::Confirmed => Error::Confirmed,
    }
}

/// One order by its id.
pub(crate) async fn by_id(pool: &MySqlPool, id: OrderId) -> Result<Order, Error> {
    let saga_id = retrying("order.read", || async { orders::saga_of(&mut *pool.acquire().await?, id).await }).await?;
    by_saga(pool, &saga_id.ok_or(Error::NotFound)?).await
}

/// One order by its saga.
pub(crate) async fn by_saga(pool: &MySqlPool, saga_id: &SagaId) -> Result<Order, Error> {
    let order =
        retrying("order.read", || async { orders::by_saga(&mut *pool.acquire().await?, saga_id).await }).await?;
    order.ok_or(Error::NotFound)
}

/// The oldest orders that are neither confirmed nor cancelled.
pub(crate) async fn unfinished(pool: &MySqlPool, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
    let listed = retrying("order.unfinished", || async {
        orders::unfinished(&mut *pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await
    });
    Ok(listed.await?)
}
