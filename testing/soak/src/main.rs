//! `./dev soak --minutes N [--seed S]`. The exit codes are 0 (all ledgers and answers agree), 1 (something is wrong)
//! and 2 (the arguments are wrong).

use std::process::ExitCode;

const USAGE: &str = "usage: ./dev soak --minutes N [--seed S]";

fn main() -> ExitCode {
    let Some((length, seed)) = soak::arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("seed {seed}, {} s", length.as_secs());
    let soak = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be created");
        runtime.block_on(soak::run(seed, length))
    });
    match soak.join() {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(_) => {
            eprintln!("FAILED for the reason above. To repeat: ./dev soak --minutes N --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
