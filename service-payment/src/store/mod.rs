//! SQL, one file per table. Every function takes a connection, so its caller owns the transaction.

pub(crate) mod payments;
