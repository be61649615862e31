//! Orders while calls, services and the card network fail: nothing is lost, nothing is doubled.

mod every_step;
mod late_call;
mod steps;
