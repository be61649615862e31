//! A private Temporal server.

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Kind, Server};
use crate::daemon::Daemon;
use crate::launch::Launch;
use crate::{free_port, tools, wait};

/// A private Temporal server with the namespace `default`. It keeps its state in a file, so a restart loses nothing.
pub struct Temporal(pub(super) Server);

impl Temporal {
    /// Starts a server and waits until its namespace exists.
    pub async fn start() -> Self {
        let daemon = Daemon::new("temporal");
        let port = free_port();
        let launch = Launch::new(tools::find_program("temporal"))
            .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", &port.to_string()])
            .args(["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000", "--log-level", "error"])
            // Without a write-ahead log SQLite writes each page twice, and an order takes 50 % longer.
            .args(["--sqlite-pragma", "journal_mode=WAL"])
            .arg("--db-filename")
            .arg(daemon.dir().join("temporal.db"));
        Self(Server::start(Kind::Temporal, daemon, launch, port).await)
    }

    /// `http://127.0.0.1:<port>`, for `TEMPORAL_SERVICE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Runs `temporal <arguments>` against this server. Returns its output, or the error text if the command fails.
    pub async fn command(&self, arguments: &[&str]) -> Result<String, String> {
        run_cli(self.port(), arguments).await
    }

    /// Retries a command until it succeeds, because a busy server may be too slow for one attempt. An error with one of
    /// the texts in `done` counts as success: the answer to an earlier attempt was lost.
    ///
    /// # Panics
    /// Panics if the command fails for another reason, or after three minutes.
    pub async fn command_until_done(&self, arguments: &[&str], done: &[&str]) {
        let succeeds = async || match self.command(arguments).await {
            Ok(_) => true,
            Err(error) if done.iter().any(|text| error.contains(text)) => true,
            Err(error) if TOO_SLOW.iter().any(|text| error.contains(text)) => false,
            Err(error) => panic!("temporal {arguments:?}: {error}"),
        };
        wait::until(&format!("success of temporal {arguments:?}"), COMMAND_LIMIT, succeeds).await;
    }
}

/// The command's errors when the server is too slow. The last one is the command's own time limit.
const TOO_SLOW: [&str; 3] = ["deadline exceeded", "Workflow is busy", "program interrupted"];
const COMMAND_LIMIT: Duration = Duration::from_secs(180);

pub(super) async fn is_ready(port: u16) -> bool {
    // The command starts slowly, so a connection is tried first.
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        && run_cli(port, &["operator", "namespace", "describe", "--namespace", "default"]).await.is_ok()
}

async fn run_cli(port: u16, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(tools::find_program("temporal"));
    command
        .args(arguments)
        .args(["--address", &format!("127.0.0.1:{port}"), "--command-timeout", "10s"])
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("running a program does not panic")
        .expect("temporal can be run");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(printed(&output.stdout)),
        false => Err(printed(&output.stderr)),
    }
}
