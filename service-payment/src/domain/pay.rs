//! `payment.pay`, the pivot: claim the row, ask the gateway, record its verdict.

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::PaymentId;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{Error, Payments, lock_same_request, reason_of};
use crate::gateway::{Charge, ChargeStatus, GatewayError, Verdict};
use crate::model::{self, Lease, Pay};
use crate::store::payments::{self, LeaseTerms, Locked};

/// The result of a claim, with the payment id from the row.
enum Claim {
    /// This call has the lease, and no call has asked the gateway.
    Fresh(PaymentId),
    /// This call has the lease now. An earlier call may have asked the gateway.
    TakenOver(PaymentId),
    AlreadyPaid(PaymentId),
}

impl Payments {
    /// `payment.pay`: on success the payment is APPROVED. Returns the payment id of the first call.
    ///
    /// The caller must not drop the future: the gateway's verdict must be recorded even when the client disconnects.
    pub(crate) async fn pay(&self, order: &SagaOrder) -> Result<PaymentId, Error> {
        let token = Uuid::new_v4().hyphenated();
        let (payment_id, taken_over) = match self.claim(order, token).await? {
            Claim::AlreadyPaid(payment_id) => return Ok(payment_id),
            Claim::Fresh(payment_id) => (payment_id, false),
            Claim::TakenOver(payment_id) => (payment_id, true),
        };
        match self.ask_gateway(order, taken_over).await {
            Ok(verdict) => self.record(order, token, &verdict).await.map(|()| payment_id),
            Err(error) => {
                self.end_lease(order, token).await;
                Err(error.into())
            }
        }
    }

    async fn claim(&self, order: &SagaOrder, token: Hyphenated) -> Result<Claim, Error> {
        let lease = LeaseTerms { token, term: self.lease };
        retrying("payment.pay.claim", || async {
            let mut tx = self.pool.begin().await?;
            payments::insert_approving(&mut tx, order, lease).await?;
            let row = lock_same_request(&mut tx, order).await?;
            let claim = match model::pay(row.status, lease_of(&row, token)) {
                Pay::Approve => Claim::Fresh(row.payment_id),
                Pay::TakeOver => {
                    payments::set_lease(&mut tx, &order.saga_id, lease).await?;
                    Claim::TakenOver(row.payment_id)
                }
                decided => answer_of(decided, &row).map(Claim::AlreadyPaid)?,
            };
            tx.commit().await?;
            Ok(claim)
        })
        .await
    }

    async fn ask_gateway(&self, order: &SagaOrder, taken_over: bool) -> Result<Verdict, GatewayError> {
        if taken_over && let ChargeStatus::Final(verdict) = self.gateway.status(&order.saga_id).await? {
            return Ok(verdict);
        }
        let charge = Charge { key: order.saga_id.clone(), amount: order.amount, method: order.payment_method.clone() };
        self.gateway.approve(&charge).await
    }

    /// Stores the verdict if this call still has the lease. Otherwise the row determines the answer.
    async fn record(&self, order: &SagaOrder, token: Hyphenated, verdict: &Verdict) -> Result<(), Error> {
        let (status, reason) = match verdict {
            Verdict::Approved => (PaymentStatus::Approved, None),
            Verdict::Declined(explanation) => {
                tracing::info!(explanation, "the payment gateway declined the payment");
                (PaymentStatus::Declined, Some(Code::PAYMENT_DECLINED))
            }
            // This service cancels a key only after the row is CANCELLING. If the row is still APPROVING, the key was
            // cancelled at the gateway by other means.
            Verdict::KeyCancelled => (PaymentStatus::Declined, Some(Code::PAYMENT_DECLINED)),
        };
        retrying("payment.pay.record", || async {
            let mut tx = self.pool.begin().await?;
            let row = lock_same_request(&mut tx, order).await?;
            let answer = match model::pay(row.status, lease_of(&row, token)) {
                Pay::Approve => {
                    payments::set_status(&mut tx, &order.saga_id, status, reason.as_ref()).await?;
                    if status == PaymentStatus::Approved { Ok(()) } else { Err(Error::Declined) }
                }
                Pay::TakeOver => Err(Error::InProgress),
                decided => answer_of(decided, &row).map(|_| ()),
            };
            tx.commit().await?;
            answer
        })
        .await
    }

    /// Lets the next call take over immediately, because the gateway gave no answer.
    async fn end_lease(&self, order: &SagaOrder, token: Hyphenated) {
        let ended = retrying("payment.pay.end_lease", || async {
            payments::end_lease(&mut *self.pool.acquire().await?, &order.saga_id, token).await
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the lease could not be ended; it will expire");
        }
    }
}

fn lease_of(row: &Locked, token: Hyphenated) -> Lease {
    match row.lease {
        Some(lease) if lease == token => Lease::Own,
        _ if row.lease_live => Lease::Running,
        _ => Lease::Expired,
    }
}

/// The answer when this call must not ask the gateway.
fn answer_of(action: Pay, row: &Locked) -> Result<PaymentId, Error> {
    match action {
        Pay::Paid => Ok(row.payment_id),
        Pay::Declined => Err(Error::Declined),
        Pay::SagaCancelled => Err(Error::SagaCancelled(reason_of(row))),
        Pay::InProgress | Pay::Approve | Pay::TakeOver => Err(Error::InProgress),
    }
}
