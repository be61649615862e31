//! What the four `main`s have in common: the probe, logging, the runtime, and a wrong setting said in one line.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::config::{ConfigError, Env};
use crate::telemetry;

/// Exit code of a wrong setting or a wrong command line.
const USAGE: u8 = 2;

/// Runs a program: `<binary>` serves until SIGTERM, `<binary> health` asks the one that runs in this container
/// whether it is ready (exit code 0 or 1).
pub fn main<F, Fut>(default_port: u16, run: F) -> ExitCode
where
    F: FnOnce(Env) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    let env = Env::of_process();
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (None, _) => serve(env, run),
        (Some("health"), None) => probe(&env, default_port),
        (Some("health"), Some(other)) | (Some(other), _) => {
            eprintln!("unknown argument {other:?}: expected none, or health");
            ExitCode::from(USAGE)
        }
    }
}

/// Why a program ended other than by its own drain.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The machine refused something, such as the port.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

fn serve<F, Fut>(env: Env, run: F) -> ExitCode
where
    F: FnOnce(Env) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    telemetry::init_logging();
    telemetry::metrics::recorder();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(env));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Config(error)) => {
            eprintln!("{error}");
            ExitCode::from(USAGE)
        }
        Err(error @ StartError::Io(_)) => {
            eprintln!("cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn probe(env: &Env, default_port: u16) -> ExitCode {
    let port = match env.parsed("SERVER_PORT", default_port) {
        Ok(port) => port,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(USAGE);
        }
    };
    match readiness(port) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => ExitCode::SUCCESS,
        Ok(answer) => {
            eprintln!("{}", answer.lines().last().unwrap_or("no answer"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("127.0.0.1:{port}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn readiness(port: u16) -> std::io::Result<String> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(b"GET /actuator/health/readiness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
