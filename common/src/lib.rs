//! What two or more of the four programs share. Code enters this crate once a second program needs it. There is one
//! exception: `contract` has every type that crosses a process boundary, even if only one of the four programs uses it.
//!
//! Order of the modules (each may use those before it):
//! `ids`, `money` → `contract` → `config` → `telemetry`, `lifecycle` → `health` → `redis_client`, `database` → `http` →
//! `process`, `service`.

pub mod config;
pub mod contract;
pub mod database;
pub mod health;
pub mod http;
pub mod ids;
pub mod lifecycle;
pub mod money;
pub mod process;
pub mod redis_client;
pub mod service;
pub mod telemetry;
