//! `./dev check`: compares all ledgers of a running system. The exit codes are 0 (the ledgers agree and every saga has
//! ended), 1 (the checker found an error), 2 (the ledgers cannot be read) and 3 (no error, but unfinished sagas).

use std::process::ExitCode;

use checker::{Addresses, Ledgers, check};

const USAGE: &str = "usage: ./dev check [mysql://user:password@host:port]
Compares the ledgers of orders, stock, payments and the payment gateway. The default address is the database of ./dev up.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "mysql://root:root1234@127.0.0.1:21306".to_owned());
    if server.starts_with('-') || arguments.next().is_some() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    if !server.starts_with("mysql://") {
        eprintln!("{server}: expected an address of the form mysql://user:password@host:port");
        return ExitCode::from(2);
    }
    let ledgers = match Ledgers::read(&Addresses::with_default_names(&server)).await {
        Ok(ledgers) => ledgers,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    let report = check(&ledgers, &[]);
    println!("{report}");
    if report.is_finished() {
        return ExitCode::SUCCESS;
    }
    println!("{}", report.advice());
    ExitCode::from(if report.is_consistent() { 3 } else { 1 })
}
