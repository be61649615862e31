//! The real product runs a saga on every path of the workflow. With `RECORD_HISTORIES=1`, each history is written to
//! `orchestrator-temporal/tests/histories/`. The replay test of the workflow reads that folder.

mod cancelled;
mod crashed;
mod deadline;
mod durable_attempts;
mod outcomes;
mod recorder;
mod repeated;
mod retried;
