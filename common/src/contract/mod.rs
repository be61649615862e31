//! The wire contract: every type, path and code that crosses a process boundary. Both ends use these definitions.
//!
//! Order of the files (each may use those before it): `code` → `problem`, `fingerprint` → `payment` → `order` →
//! `saga` → `inventory`.
#![warn(missing_docs)]

pub mod code;
mod fingerprint;
pub mod inventory;
pub mod order;
pub mod payment;
pub mod problem;
pub mod saga;

pub use code::Code;
pub use fingerprint::Fingerprint;
pub use problem::{FieldError, Problem};
pub use saga::{SagaOrder, UndoRequest};
