//! What two or more of the four programs share. Nothing enters here that only one of them uses.
//!
//! Order of the modules (each may use those above it):
//! `ids`, `money` → `contract` → `config` → `telemetry`, `lifecycle` → `http`, `cache` → `database` →
//! `process`, `service`.

pub mod cache;
pub mod config;
pub mod contract;
pub mod database;
pub mod http;
pub mod ids;
pub mod lifecycle;
pub mod money;
pub mod process;
pub mod service;
pub mod telemetry;
