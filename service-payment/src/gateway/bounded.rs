//! A wrapper around any gateway. Each call has a time limit, needs a permit and is measured.

use std::time::{Duration, Instant};

use common::ids::SagaId;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Charge, ChargeStatus, GatewayError, PaymentGateway, Permits, Verdict};

/// A gateway whose calls are limited in number and in time.
pub(crate) struct Bounded<G> {
    gateway: G,
    permits: Permits,
    limit: Duration,
}

impl<G: PaymentGateway> Bounded<G> {
    /// Wraps `gateway`. A call takes at most `limit`; the permits limit the number of concurrent calls.
    pub(crate) fn new(gateway: G, permits: Permits, limit: Duration) -> Self {
        Self { gateway, permits, limit }
    }

    async fn call<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let begun = Instant::now();
        let result = match self.permits.acquire().await {
            None => Err(GatewayError::Busy),
            Some(permit) => {
                let result = tokio::time::timeout(self.limit, call).await;
                permit.release().await;
                result.unwrap_or_else(|_| {
                    Err(GatewayError::unavailable(format!("no answer within {} ms", self.limit.as_millis())))
                })
            }
        };
        let outcome = match &result {
            Ok(_) => "answered",
            Err(GatewayError::Unavailable { .. }) => "unavailable",
            Err(GatewayError::Busy) => "busy",
        };
        metrics::counter!("gateway_calls_total", "call" => name, "outcome" => outcome).increment(1);
        metrics::histogram!("gateway_call_seconds", "call" => name).record(begun.elapsed().as_secs_f64());
        result
    }
}

impl<G: PaymentGateway> PaymentGateway for Bounded<G> {
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>> {
        self.call("approve", self.gateway.approve(charge)).boxed()
    }

    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        self.call("status", self.gateway.status(key)).boxed()
    }

    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>> {
        self.call("cancel", self.gateway.cancel(key)).boxed()
    }
}
