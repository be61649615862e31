//! At every point of an order, processes are killed or paused, or the order is cancelled.

mod cancel;
mod database;
mod payment;
mod points;
mod services;
mod temporal_commands;
mod worker;
