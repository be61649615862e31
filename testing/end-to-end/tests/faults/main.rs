//! Orders while calls, services and the payment gateway fail. Money and stock must not be lost or doubled.

mod after_payment;
mod every_step;
mod late_call;
mod late_gateway;
mod refunds;
mod steps;
