//! The order's states and their legal transitions: pure, no I/O.

use common::contract::order::OrderStatus;

/// What a call does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: the call came before.
    Nothing,
    /// The row becomes this.
    To(OrderStatus),
}

/// Why a call cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The saga was undone.
    Cancelled,
    /// The order is confirmed.
    Confirmed,
}

/// `order.create` on a row that is there, possibly just made by this very call.
pub(crate) fn create(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending | OrderStatus::Confirmed => Ok(Change::Nothing),
        OrderStatus::Cancelled => Err(Conflict::Cancelled),
    }
}

/// `order.confirm`.
pub(crate) fn confirm(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending => Ok(Change::To(OrderStatus::Confirmed)),
        OrderStatus::Confirmed => Ok(Change::Nothing),
        OrderStatus::Cancelled => Err(Conflict::Cancelled),
    }
}

/// `order.cancel`, also of an order that never was.
pub(crate) fn cancel(status: OrderStatus) -> Result<Change, Conflict> {
    match status {
        OrderStatus::Pending => Ok(Change::To(OrderStatus::Cancelled)),
        OrderStatus::Cancelled => Ok(Change::Nothing),
        OrderStatus::Confirmed => Err(Conflict::Confirmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_beats_idempotency() {
        assert_eq!(create(OrderStatus::Cancelled), Err(Conflict::Cancelled));
        assert_eq!(confirm(OrderStatus::Cancelled), Err(Conflict::Cancelled));
    }

    #[test]
    fn a_confirmed_order_is_never_cancelled() {
        assert_eq!(cancel(OrderStatus::Confirmed), Err(Conflict::Confirmed));
        assert_eq!(create(OrderStatus::Confirmed), Ok(Change::Nothing));
    }
}
