//! Every kind of history that a saga can have, made by the real product. With `RECORD_HISTORIES=1` each is written to
//! `orchestrator-temporal/tests/histories/`, where the replay test of the workflow finds it.

mod cancelled;
mod crashed;
mod deadline;
mod handed_over;
mod outcomes;
mod recorder;
mod repeated;
mod retried;
