//! Processes that die, or stand still, at every point of an order; cancels at every point of an order.

mod cancel;
mod database;
mod engine;
mod payment;
mod points;
mod services;
mod worker;
