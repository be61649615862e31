//! For tests only: the whole product in one value. [`World`] runs the four programs as real processes, each test with
//! databases of its own, a fault proxy before each service, and the checker as the judge.

mod api;
mod load;
mod site;
pub mod steps;
mod world;

pub use api::{Reply, body, order};
pub use load::{Habits, Load, PLENTY, SCARCE, stock_up};
pub use site::{Dependency, Site};
pub use world::{ServerAddresses, Service, World, WorldBuilder};
