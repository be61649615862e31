//! The program `service-payment`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main_with_database(service_payment::PORT, service_payment::run, service_payment::migrate)
}
