//! Orders while calls, services and the card network fail: nothing is lost, nothing is doubled.

mod after_payment;
mod every_step;
mod late_call;
mod late_gateway;
mod refunds;
mod steps;
