//! The program `service-inventory`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main_with_database(service_inventory::PORT, service_inventory::run, service_inventory::migrate)
}
