//! The program `service-order`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main(service_order::PORT, service_order::run)
}
