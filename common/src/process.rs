//! What the four `main` functions have in common: the health probe, logging, the runtime, and error messages.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::config::{ConfigError, Env};
use crate::database::SchemaError;
use crate::lifecycle::Lifecycle;
use crate::telemetry;

const USAGE: u8 = 2;

/// Runs a program. `<binary>` serves until SIGTERM. `<binary> health` asks the process in the same container whether it
/// is ready, and exits with 0 or 1.
pub fn main<F, Fut>(default_port: u16, run: F) -> ExitCode
where
    F: FnOnce(Env) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    match command(&["health"]) {
        Ok(None) => execute(run),
        Ok(Some(_)) => probe(&Env::of_process(), default_port),
        Err(exit_code) => exit_code,
    }
}

/// Runs a program that has a database. It has the commands of [`main`]. In addition, `<binary> migrate` brings its
/// databases up to date and exits with 0. It exits with 1 if a migration cannot succeed or if SIGTERM ends the command.
pub fn main_with_database<F, Fut, M, Migrated>(default_port: u16, run: F, migrate: M) -> ExitCode
where
    F: FnOnce(Env) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
    M: FnOnce(Env) -> Migrated,
    Migrated: Future<Output = Result<(), StartError>>,
{
    match command(&["health", "migrate"]) {
        Ok(None) => execute(run),
        Ok(Some("health")) => probe(&Env::of_process(), default_port),
        Ok(Some(_)) => execute(|env| until_terminated(migrate(env))),
        Err(exit_code) => exit_code,
    }
}

/// The command of this process, if it has one.
fn command(known: &[&'static str]) -> Result<Option<&'static str>, ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = known.iter().copied().find(|known| arguments.first().is_some_and(|first| first == known));
    let Some(unknown) = arguments.get(usize::from(command.is_some())) else { return Ok(command) };
    eprintln!("unknown argument {unknown:?}: expected no argument, or `{}`", known.join("` or `"));
    Err(ExitCode::from(USAGE))
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot start")]
    Io(#[from] std::io::Error),
    #[error("cannot migrate")]
    Schema(#[from] SchemaError),
    #[error("stopped before the migrations were done; the same command continues them")]
    Stopped,
}

fn execute<F, Fut>(run: F) -> ExitCode
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
    let result = runtime.block_on(run(Env::of_process()));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("{}", telemetry::error_chain(&error));
    match error {
        StartError::Config(_) => ExitCode::from(USAGE),
        StartError::Io(_) | StartError::Schema(_) | StartError::Stopped => ExitCode::FAILURE,
    }
}

/// The first process of a container ignores SIGTERM unless it handles the signal.
async fn until_terminated(migrated: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    let lifecycle = Lifecycle::default();
    let signals = lifecycle.clone();
    tokio::spawn(async move { signals.follow_signals().await });
    tokio::select! {
        result = migrated => result,
        () = lifecycle.draining() => Err(StartError::Stopped),
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
