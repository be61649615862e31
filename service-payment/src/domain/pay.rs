//! `payment.pay`, the pivot: claim the row, ask the gateway, record its verdict, if the row is still ours.

use common::contract::payment::PaymentStatus;
use common::contract::{Code, SagaOrder};
use common::database::retrying;
use common::ids::PaymentId;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{Error, Payments, lock_own, reason_of};
use crate::gateway::{Charge, ChargeStatus, GatewayError, Verdict};
use crate::model::{self, Lease, Pay};
use crate::store::payments::{self, LeaseTerms, Locked};

/// What the claim found.
enum Claim {
    /// The row is ours; nobody has asked the gateway.
    Fresh(PaymentId),
    /// The row is ours now; somebody may have asked the gateway.
    TakenOver(PaymentId),
    /// Paid before.
    Paid(PaymentId),
}

impl Payments {
    /// `payment.pay`: the payment is APPROVED. Returns its id, that of the first call.
    ///
    /// Not to be dropped half way: what the gateway says should be recorded even if the caller has gone.
    pub(crate) async fn pay(&self, order: &SagaOrder) -> Result<PaymentId, Error> {
        let token = Uuid::new_v4().hyphenated();
        let (payment_id, taken_over) = match self.claim(order, token).await? {
            Claim::Paid(payment_id) => return Ok(payment_id),
            Claim::Fresh(payment_id) => (payment_id, false),
            Claim::TakenOver(payment_id) => (payment_id, true),
        };
        match self.ask_gateway(order, taken_over).await {
            Ok(verdict) => self.record(order, token, &verdict).await.map(|()| payment_id),
            Err(error) => {
                self.give_up(order, token).await;
                Err(error.into())
            }
        }
    }

    async fn claim(&self, order: &SagaOrder, token: Hyphenated) -> Result<Claim, Error> {
        let lease = LeaseTerms { token, term: self.lease };
        retrying("payment.pay.claim", || async {
            let mut tx = self.pool.begin().await?;
            payments::insert_approving(&mut tx, order, lease).await?;
            let row = lock_own(&mut tx, order).await?;
            let claim = match model::pay(row.status, lease_of(&row, token)) {
                Pay::Approve => Claim::Fresh(row.payment_id),
                Pay::TakeOver => {
                    payments::set_lease(&mut tx, &order.saga_id, lease).await?;
                    Claim::TakenOver(row.payment_id)
                }
                answer => settled_answer(answer, &row).map(Claim::Paid)?,
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

    /// Writes the verdict only if the row is still APPROVING under our lease; otherwise the row's own state answers.
    async fn record(&self, order: &SagaOrder, token: Hyphenated, verdict: &Verdict) -> Result<(), Error> {
        let (status, reason) = match verdict {
            Verdict::Approved => (PaymentStatus::Approved, None),
            Verdict::Declined(words) => {
                tracing::info!(words, "declined");
                (PaymentStatus::Declined, Some(Code::PAYMENT_DECLINED))
            }
            // The row is CANCELLING or CANCELLED then, unless somebody cancelled at the gateway past us.
            Verdict::Cancelled => (PaymentStatus::Declined, Some(Code::PAYMENT_DECLINED)),
        };
        retrying("payment.pay.record", || async {
            let mut tx = self.pool.begin().await?;
            let row = lock_own(&mut tx, order).await?;
            let answer = match model::pay(row.status, lease_of(&row, token)) {
                Pay::Approve => {
                    payments::set_status(&mut tx, &order.saga_id, status, reason.as_ref()).await?;
                    if status == PaymentStatus::Approved { Ok(()) } else { Err(Error::Declined) }
                }
                Pay::TakeOver => Err(Error::InProgress),
                answer => settled_answer(answer, &row).map(|_| ()),
            };
            tx.commit().await?;
            answer
        })
        .await
    }

    /// The gateway gave no answer: the next call may take over at once.
    async fn give_up(&self, order: &SagaOrder, token: Hyphenated) {
        let ended = retrying("payment.pay.give_up", || async {
            payments::end_lease(&mut *self.pool.acquire().await?, &order.saga_id, token).await
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the lease was not ended; it runs out by itself");
        }
    }
}

fn lease_of(row: &Locked, token: Hyphenated) -> Lease {
    match row.lease {
        Some(lease) if lease == token => Lease::Mine,
        _ if row.lease_live => Lease::Live,
        _ => Lease::Over,
    }
}

/// The answer of a row that leaves nothing to do.
fn settled_answer(answer: Pay, row: &Locked) -> Result<PaymentId, Error> {
    match answer {
        Pay::Paid => Ok(row.payment_id),
        Pay::Declined => Err(Error::Declined),
        Pay::Cancelled => Err(Error::Cancelled(reason_of(row))),
        Pay::InProgress | Pay::Approve | Pay::TakeOver => Err(Error::InProgress),
    }
}
