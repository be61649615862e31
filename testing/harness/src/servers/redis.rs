//! A private Redis.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Kind, Server};
use crate::daemon::Daemon;
use crate::launch::Launch;
use crate::{free_port, tools};

/// A private Redis server. It keeps its data on disk, so a kill loses at most the writes of the last second.
pub struct Redis(pub(super) Server);

impl Redis {
    /// Starts a server and waits until it is ready.
    pub async fn start() -> Self {
        let daemon = Daemon::new("redis");
        let port = free_port();
        let launch = Launch::new(tools::find_program("redis-server"))
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no"])
            .args(["--appendonly", "yes", "--save", ""])
            .arg("--dir")
            .arg(daemon.dir());
        Self(Server::start(Kind::Redis, daemon, launch, port).await)
    }

    /// `redis://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }
}

pub(super) async fn is_ready(port: u16) -> bool {
    let ping = async {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
        connection.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    matches!(timeout(Duration::from_secs(1), ping).await, Ok(Ok(answer)) if &answer == b"+PONG")
}
