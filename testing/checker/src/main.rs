//! `./dev check`: compares all books of a running system. Exit code 0: sound and settled; 1: something is wrong;
//! 2: cannot be read; 3: nothing is wrong, and something has not come to its end yet.

use std::process::ExitCode;

use checker::{Addresses, Books, check};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "mysql://root:root1234@127.0.0.1:21306".to_owned());
    if server.starts_with('-') || arguments.next().is_some() {
        eprintln!("usage: ./dev check [mysql://user:password@host:port]");
        eprintln!(
            "Compares the books of orders, stock, payments and the card network; without an address, of ./dev up's database."
        );
        return ExitCode::from(2);
    }
    if !server.starts_with("mysql://") {
        eprintln!("{server}: an address looks like mysql://user:password@host:port");
        return ExitCode::from(2);
    }
    match Books::read(&Addresses::usual(&server)).await {
        Ok(books) => {
            let report = check(&books, &[]);
            println!("{report}");
            if report.is_settled() {
                return ExitCode::SUCCESS;
            }
            println!("what is unfinished still runs, or waits: look again in a while");
            ExitCode::from(if report.is_sound() { 3 } else { 1 })
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}
