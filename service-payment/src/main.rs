//! The program `service-payment`.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::process::main(service_payment::PORT, service_payment::run)
}
