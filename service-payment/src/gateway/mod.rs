//! The card network, behind a trait.
//!
//! A gateway of your own implements [`PaymentGateway`] and takes the place of [`Simulator`] in `lib.rs`.

mod bounded;
mod ledger;
mod permits;
mod scenario;
mod simulator;

pub(crate) use bounded::Bounded;
use common::contract::saga::PaymentMethod;
use common::ids::SagaId;
use common::money::Money;
use futures::future::BoxFuture;
pub(crate) use permits::{PermitSettings, Permits};
pub(crate) use simulator::Simulator;

/// A charge to be approved. The saga's id is its key: the network knows one charge a key, however often it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) key: SagaId,
    pub(crate) amount: Money,
    pub(crate) method: PaymentMethod,
}

/// The network's final word on a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The money is taken.
    Approved,
    /// The money is not taken, with the network's words.
    Declined(String),
    /// The key was cancelled before: nothing is taken, or what was taken is refunded.
    Cancelled,
}

/// What the network knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    /// Nothing: never final, since the call may still be on its way.
    NotFound,
    /// It is being decided.
    Pending,
    /// It is decided.
    Final(Verdict),
}

/// The network gave no answer; whatever was asked may have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatewayError {
    #[error("the payment gateway did not answer: {0}")]
    Unavailable(String),
    #[error("as many calls to the payment gateway are running as are allowed")]
    Busy,
}

/// A card network. Every call carries a key and may be repeated; every call may fail and have happened all the same.
pub(crate) trait PaymentGateway: Send + Sync {
    /// Takes the money, once a key.
    fn approve<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Verdict, GatewayError>>;

    /// What is known of a key.
    fn status<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>>;

    /// No money is kept under this key, for ever: what was taken is refunded, and a later `approve` is refused.
    fn cancel<'a>(&'a self, key: &'a SagaId) -> BoxFuture<'a, Result<(), GatewayError>>;
}
