//! The states of an order and their legal transitions. Pure code without I/O.

use common::contract::order::OrderStatus;

/// The effect of a call on the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The row stays as it is, because an earlier call had the same effect.
    Nothing,
    To(OrderStatus),
}

/// Why the state of the row does not allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    SagaCancelled,
    AlreadyConfirmed,
}

/// `order.create`. The row exists: an earlier call or this call has inserted it.
pub(crate) fn create(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending | OrderStatus::Confirmed => Ok(Change::Nothing),
        OrderStatus::Cancelled => Err(Conflict::SagaCancelled),
    }
}

/// `order.confirm`.
pub(crate) fn confirm(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending => Ok(Change::To(OrderStatus::Confirmed)),
        OrderStatus::Confirmed => Ok(Change::Nothing),
        OrderStatus::Cancelled => Err(Conflict::SagaCancelled),
    }
}

/// `order.cancel`.
pub(crate) fn cancel(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending => Ok(Change::To(OrderStatus::Cancelled)),
        OrderStatus::Cancelled => Ok(Change::Nothing),
        OrderStatus::Confirmed => Err(Conflict::AlreadyConfirmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_beats_idempotency() {
        assert_eq!(create(OrderStatus::Cancelled), Err(Conflict::SagaCancelled));
        assert_eq!(confirm(OrderStatus::Cancelled), Err(Conflict::SagaCancelled));
    }

    #[test]
    fn a_confirmed_order_is_never_cancelled() {
        assert_eq!(cancel(OrderStatus::Confirmed), Err(Conflict::AlreadyConfirmed));
        assert_eq!(create(OrderStatus::Confirmed), Ok(Change::Nothing));
    }
}
