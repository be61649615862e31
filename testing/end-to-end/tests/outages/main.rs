//! Dependencies are unavailable, there are too many customers, or clocks are wrong.

mod clocks;
mod dependencies;
mod lost_connections;
mod outage;
mod overload;
