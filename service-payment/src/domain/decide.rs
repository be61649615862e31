//! `payment.cancel`, the decision, and `payment.settle`, which tells the gateway.

use common::contract::payment::{CancelDecided, PaymentStatus};
use common::contract::{Code, SagaOrder};
use common::database::retrying;

use super::{Error, Payments, lock_own, reason_of};
use crate::model::{self, Cancel, Settle};
use crate::store::payments;

impl Payments {
    /// `payment.cancel`: from now on this saga is never paid, unless it was paid before.
    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &Code) -> Result<CancelDecided, Error> {
        retrying("payment.cancel", || async {
            let mut tx = self.pool.begin().await?;
            payments::insert_tombstone(&mut tx, order, reason).await?;
            let row = lock_own(&mut tx, order).await?;
            let decided = match model::cancel(row.status) {
                Cancel::AlreadyPaid => return Err(Error::AlreadyPaid),
                Cancel::Decided => CancelDecided { status: row.status, reason: reason_of(&row) },
                Cancel::Decide => {
                    let status = PaymentStatus::Cancelling;
                    payments::set_status(&mut tx, &order.saga_id, status, Some(reason)).await?;
                    CancelDecided { status, reason: reason.clone() }
                }
            };
            tx.commit().await?;
            Ok(decided)
        })
        .await
    }

    /// `payment.settle`: the gateway keeps no money under this saga's key, and never will.
    pub(crate) async fn settle(&self, order: &SagaOrder) -> Result<PaymentStatus, Error> {
        let status = self.status_of(order).await?;
        match model::settle(status) {
            Settle::Settled => return Ok(status),
            Settle::Undecided => return Err(Error::InProgress),
            Settle::AlreadyPaid => return Err(Error::AlreadyPaid),
            Settle::TellGateway => self.gateway.cancel(&order.saga_id).await?,
        }
        retrying("payment.settle", || async {
            let mut tx = self.pool.begin().await?;
            let row = lock_own(&mut tx, order).await?;
            if row.status == PaymentStatus::Cancelling {
                let status = PaymentStatus::Cancelled;
                payments::set_status(&mut tx, &order.saga_id, status, row.reason.as_ref()).await?;
            }
            tx.commit().await?;
            Ok(PaymentStatus::Cancelled)
        })
        .await
    }

    async fn status_of(&self, order: &SagaOrder) -> Result<PaymentStatus, Error> {
        retrying("payment.settle.read", || async {
            let mut tx = self.pool.begin().await?;
            let status = lock_own(&mut tx, order).await?.status;
            tx.commit().await?;
            Ok(status)
        })
        .await
    }
}
