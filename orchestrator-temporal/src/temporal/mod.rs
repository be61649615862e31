//! Temporal: the only folder that names its client. Starts, follows and cancels sagas, and runs the worker.

mod ages;
mod connection;
mod pending;
mod sagas;
mod telemetry;
mod worker;

pub(crate) use connection::{Temporal, TemporalSettings};
pub(crate) use sagas::{EngineError, Known, RunState, Started};
pub(crate) use telemetry::Telemetry;
pub(crate) use worker::run_until_drained;
