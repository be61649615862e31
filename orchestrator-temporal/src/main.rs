//! The program `orchestrator-temporal`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main(orchestrator_temporal::PORT, orchestrator_temporal::run)
}
