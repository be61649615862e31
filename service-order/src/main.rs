//! The program `service-order`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main_with_database(service_order::PORT, service_order::run, service_order::migrate)
}
