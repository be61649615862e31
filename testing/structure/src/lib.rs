//! For tests only: the workspace's rules, kept by machine.
//!
//! A check is a function from a [`Workspace`] to the [`Violation`]s of one [`Rule`]. Beside each check a test breaks
//! its rule in a small workspace in memory; `tests/workspace.rs` runs all checks on the real one.
//!
//! Rust is read as tokens ([`tokens`], [`source`]), so that what stands inside a macro counts, and what stands in a
//! comment does not.

pub mod cycles;
pub mod documents;
pub mod environment;
pub mod floors;
pub mod migrations;
pub mod names;
pub mod panics;
pub mod reserved;
pub mod rule;
pub mod sizes;
pub mod source;
pub mod tokens;
pub mod workspace;

pub use rule::{Rule, Violation};
pub use workspace::Workspace;
