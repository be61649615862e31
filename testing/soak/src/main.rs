//! `./dev soak --minutes N [--seed S]`. Exit code 0: sound; 1: not, and the seed is printed; 2: wrong arguments.

use std::process::ExitCode;

const USAGE: &str = "usage: ./dev soak --minutes N [--seed S]";

fn main() -> ExitCode {
    let Some((length, seed)) = soak::arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("seed {seed}, {} s", length.as_secs());
    let soak = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        runtime.block_on(soak::run(seed, length))
    });
    match soak.join() {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(_) => {
            eprintln!("UNSOUND, for the reason above. Again: ./dev soak --minutes N --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
