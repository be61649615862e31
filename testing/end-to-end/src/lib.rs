//! For tests only: the whole product in one value. [`TestSystem`] runs the four programs as real processes. Each test
//! has its own databases and a fault proxy in front of each service. At the end, the checker compares all ledgers.

mod api;
mod load;
mod private_servers;
pub mod steps;
mod system;

pub use api::{Reply, order, order_paid_by};
pub use load::{Load, LoadProfile, PLENTY, SCARCE, add_products};
pub use private_servers::{Dependency, PrivateServers};
pub use system::{ServerAddresses, Service, TestSystem, TestSystemBuilder};
