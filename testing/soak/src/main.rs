//! `./dev soak --minutes N [--seed S]`. Exit code 0: sound; 1: not, and the seed is printed; 2: wrong arguments.

use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: ./dev soak --minutes N [--seed S]";

fn main() -> ExitCode {
    let Some((length, seed)) = arguments(std::env::args().skip(1)) else {
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

fn arguments(mut words: impl Iterator<Item = String>) -> Option<(Duration, u64)> {
    let (mut minutes, mut seed) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--minutes" => minutes = Some(words.next()?.parse::<f64>().ok()?),
            "--seed" => seed = Some(words.next()?.parse().ok()?),
            _ => return None,
        }
    }
    let length = Duration::try_from_secs_f64(minutes? * 60.0).ok()?;
    Some((length, seed.unwrap_or_else(rand::random)))
}
