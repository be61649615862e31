//! What the product depends on is gone, there are too many customers, or a clock is wrong.

mod clocks;
mod dependencies;
mod lost;
mod outage;
mod overload;
