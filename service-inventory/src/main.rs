//! The program `service-inventory`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main(service_inventory::PORT, service_inventory::run)
}
