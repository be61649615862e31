//! Tests of the HTTP API. Each test starts the real program on new databases.

mod app;
mod approving;
mod concurrency;
mod decided;
mod late;
mod lease;
mod ledgers;
mod permits;
mod reads;
