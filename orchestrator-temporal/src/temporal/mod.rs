//! Temporal. Only this folder uses its client: it starts, describes and cancels workflows, and runs the worker.

mod connection;
mod error;
mod telemetry;
mod worker;
mod workflows;

pub(crate) use connection::{Temporal, TemporalSettings};
pub(crate) use error::TemporalError;
pub(crate) use telemetry::Telemetry;
pub(crate) use worker::run_until_drained;
pub(crate) use workflows::{PendingActivity, RunState, Start, WorkflowInfo};
