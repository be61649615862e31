//! Payments to read.

use common::contract::payment::Payment;
use common::contract::saga::UnfinishedSaga;
use common::ids::{PaymentId, SagaId};

use super::{Error, Payments};
use crate::store::payments;

/// As many unfinished sagas are listed at once.
const UNFINISHED_LIMIT: u32 = 1000;

impl Payments {
    /// One payment by its id.
    pub(crate) async fn by_id(&self, id: PaymentId) -> Result<Payment, Error> {
        let saga_id = payments::saga_of(&mut *self.pool.acquire().await?, id).await?.ok_or(Error::NotFound)?;
        self.by_saga(&saga_id).await
    }

    /// One payment by its saga.
    pub(crate) async fn by_saga(&self, saga_id: &SagaId) -> Result<Payment, Error> {
        payments::by_saga(&mut *self.pool.acquire().await?, saga_id).await?.ok_or(Error::NotFound)
    }

    /// The oldest payments that are undecided, or decided and not yet settled.
    pub(crate) async fn unfinished(&self, older_than_seconds: u32) -> Result<Vec<UnfinishedSaga>, Error> {
        Ok(payments::unfinished(&mut *self.pool.acquire().await?, older_than_seconds, UNFINISHED_LIMIT).await?)
    }
}
