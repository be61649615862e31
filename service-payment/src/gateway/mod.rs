//! The payment gateway, behind a trait.
//!
//! To connect a real gateway, implement [`PaymentGateway`] and replace [`Simulator`] in `lib.rs`.

mod bounded;
mod ledger;
mod permits;
mod scenario;
mod simulator;

use std::error::Error;

pub(crate) use bounded::Bounded;
use common::contract::payment::PaymentMethod;
use common::ids::SagaId;
use common::money::Money;
use futures::future::BoxFuture;
pub(crate) use permits::{PermitSettings, Permits};
pub(crate) use simulator::Simulator;

/// A charge to approve. Its key is the saga's id. The gateway makes one charge per key, even if it is asked again.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) key: SagaId,
    pub(crate) amount: Money,
    pub(crate) method: PaymentMethod,
}

/// The gateway's final decision on a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The gateway took the money.
    Approved,
    /// The gateway took no money. The text is its explanation.
    Declined(String),
    /// The key was cancelled before. The gateway took no money, or it refunded what it took.
    KeyCancelled,
}

/// What the gateway knows about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    /// The gateway does not know the key. This is never final: an `approve` may still be on its way.
    NotFound,
    Pending,
    Final(Verdict),
}

/// Why the gateway's answer is unknown. The call may have taken effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    #[error("{reason}")]
    Unavailable { reason: String, source: Option<Box<dyn Error + Send + Sync>> },
    #[error("no permit is free")]
    Busy,
}

impl GatewayError {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), source: None }
    }

    pub(crate) fn with_source(reason: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { reason: reason.into(), source: Some(Box::new(source)) }
    }
}

/// A payment gateway. Every call has a key and may be repeated. A call that fails may still have taken effect.
pub(crate) trait PaymentGateway: Send + Sync {
    /// Takes the money, once per key.
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>>;

    /// Looks up the key. Changes nothing.
    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>>;

    /// Cancels the key permanently: refunds what was taken, and refuses every later `approve`.
    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>>;
}
