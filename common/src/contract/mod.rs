//! The wire contract: every type, path and code that crosses a process border, once. Both ends use it.

pub mod code;
pub mod inventory;
pub mod order;
pub mod payment;
pub mod problem;
pub mod saga;

pub use code::Code;
pub use problem::{FieldError, Problem};
pub use saga::{Fingerprint, SagaOrder, UndoRequest};
