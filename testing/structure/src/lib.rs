//! For tests only: checks the rules of this workspace.
//!
//! A check is a function from a [`Workspace`] to the [`Violation`]s of one [`Rule`]. Each check has unit tests that
//! break its rule in a small workspace in memory. `tests/workspace.rs` runs all checks on the real workspace.
//!
//! Rust files are read as tokens ([`tokens`], [`source`]), so a check sees the code inside macros and ignores comments.

pub mod checklist;
pub mod comments;
pub mod cycles;
pub mod documents;
pub mod environment;
pub mod glossary;
pub mod layers;
pub mod migrations;
pub mod modules;
pub mod names;
pub mod panics;
pub mod reserved;
pub mod retired;
pub mod rule;
pub mod sizes;
pub mod source;
pub mod tokens;
pub mod workspace;

pub use rule::{Rule, Violation};
pub use workspace::Workspace;
