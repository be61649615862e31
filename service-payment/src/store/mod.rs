//! SQL, one file a table. Functions take a connection, so the caller owns the transaction.

pub(crate) mod payments;
