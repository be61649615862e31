//! Reading payments.

use common::contract::payment::Payment;
use common::contract::saga::UnfinishedSaga;
use common::database::retrying;
use common::ids::{PaymentId, SagaId};

use super::{Error, Payments};
use crate::store::payments;

/// At most this many unfinished payments are listed.
const UNFINISHED_LIMIT: u32 = 1000;

impl Payments {
    pub(crate) async fn by_id(&self, id: PaymentId) -> Result<Payment, Error> {
        let found =
            retrying("payment.read", || async { payments::saga_of(&mut *self.pool.acquire().await?, id).await });
        self.by_saga(&found.await?.ok_or(Error::NotFound)?).await
    }

    pub(crate) async fn by_saga(&self, saga_id: &SagaId) -> Result<Payment, Error> {
        let found =
            retrying("payment.read", || async { payments::by_saga(&mut *self.pool.acquire().await?, saga_id).await });
        found.await?.ok_or(Error::NotFound)
    }

    /// The oldest payments that are not decided yet, or that are cancelled but not voided yet.
    pub(crate) async fn unfinished(&self, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
        let listed = retrying("payment.unfinished", || async {
            payments::unfinished(&mut *self.pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await
        });
        Ok(listed.await?)
    }
}
