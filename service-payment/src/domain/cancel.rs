//! `payment.cancel`, which decides how the saga ends, and `payment.void`, which cancels the charge at the gateway.

use common::contract::payment::{CancelDecision, PaymentStatus};
use common::contract::{Code, SagaOrder};
use common::database::retrying;

use super::{Error, Payments, lock_same_request, reason_of};
use crate::model::{self, Cancel, Void};
use crate::store::payments;

impl Payments {
    /// `payment.cancel`: from now on this saga is never paid, unless it was paid before.
    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &Code) -> Result<CancelDecision, Error> {
        retrying("payment.cancel", || async {
            let mut tx = self.pool.begin().await?;
            payments::insert_tombstone(&mut tx, order, reason).await?;
            let row = lock_same_request(&mut tx, order).await?;
            let decision = match model::cancel(row.status) {
                Cancel::AlreadyPaid => return Err(Error::AlreadyPaid),
                Cancel::AlreadyDecided => CancelDecision { status: row.status, reason: reason_of(&row) },
                Cancel::MarkCancelling => {
                    let status = PaymentStatus::Cancelling;
                    payments::set_status(&mut tx, &order.saga_id, status, Some(reason)).await?;
                    CancelDecision { status, reason: reason.clone() }
                }
            };
            tx.commit().await?;
            Ok(decision)
        })
        .await
    }

    /// `payment.void`: afterwards the gateway keeps no money under this saga's key, and never will.
    pub(crate) async fn void(&self, order: &SagaOrder) -> Result<PaymentStatus, Error> {
        let status = self.status_of(order).await?;
        match model::void(status) {
            Void::NothingToDo => return Ok(status),
            Void::NotDecided => return Err(Error::InProgress),
            Void::AlreadyPaid => return Err(Error::AlreadyPaid),
            Void::CallGateway => self.gateway.cancel(&order.saga_id).await?,
        }
        retrying("payment.void", || async {
            let mut tx = self.pool.begin().await?;
            let row = lock_same_request(&mut tx, order).await?;
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
        retrying("payment.void.read", || async {
            let mut tx = self.pool.begin().await?;
            let status = lock_same_request(&mut tx, order).await?.status;
            tx.commit().await?;
            Ok(status)
        })
        .await
    }
}
