//! SQL, one file per table. Each function takes a connection, so the caller controls the transaction.

pub(crate) mod orders;
