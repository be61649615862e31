//! Private, real servers: a database, Redis and Temporal, each on a free port of 127.0.0.1 with its own data.

mod database;
mod redis;
pub mod shared;
mod temporal;

use std::ops::Deref;
use std::time::Duration;

use rustix::process::Signal;

pub use self::database::MariaDb;
pub use self::redis::Redis;
pub use self::temporal::Temporal;

use crate::daemon::Daemon;
use crate::launch::Launch;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What [`MariaDb`], [`Redis`] and [`Temporal`] have in common: a port, and ways to fail. All stop with the
/// value, and at the latest with the test process.
pub struct Server {
    daemon: Daemon,
    launch: Launch,
    port: u16,
    kind: Kind,
}

/// Knows when a server is ready.
#[derive(Clone, Copy)]
enum Kind {
    Database,
    Redis,
    Temporal,
}

impl Server {
    async fn start(kind: Kind, daemon: Daemon, launch: Launch, port: u16) -> Self {
        let server = Self { daemon, launch, port, kind };
        server.start_again().await;
        server
    }

    /// The port on 127.0.0.1, the same over all restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`, as [`TcpProxy::start`](crate::proxy::TcpProxy::start) takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Sends SIGTERM and waits for an orderly end.
    pub async fn stop(&self) {
        self.daemon.signal(Signal::TERM);
        self.daemon.exit_code(STOP_LIMIT).await;
    }

    /// Sends SIGKILL and waits until the server is gone.
    pub async fn kill(&self) {
        self.daemon.signal(Signal::KILL);
        self.daemon.exit_code(STOP_LIMIT).await;
    }

    /// After `stop` or `kill`: starts the server on the same port with the same data, and waits until it serves.
    pub async fn start_again(&self) {
        self.begin_start_again();
        self.wait_ready().await;
    }

    /// As [`start_again`](Self::start_again), without the wait.
    pub fn begin_start_again(&self) {
        self.daemon.start(&self.launch);
    }

    /// Waits until the server serves.
    pub async fn wait_ready(&self) {
        self.daemon.ready_when(START_LIMIT, "ready to serve", async || self.is_ready().await).await;
    }

    /// True if the server serves right now.
    pub async fn is_ready(&self) -> bool {
        match self.kind {
            Kind::Database => database::is_ready(self.port).await,
            Kind::Redis => redis::is_ready(self.port).await,
            Kind::Temporal => temporal::is_ready(self.port).await,
        }
    }

    /// Sends SIGSTOP and waits until the server stands still: connections stay open, nothing is answered.
    pub async fn pause(&self) {
        self.daemon.pause().await;
    }

    /// Sends SIGCONT: the server goes on where it stood.
    pub fn resume(&self) {
        self.daemon.signal(Signal::CONT);
    }

    /// What the server has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.log()
    }
}

macro_rules! is_a_server {
    ($($name:ident),*) => {$(
        impl Deref for $name {
            type Target = Server;

            fn deref(&self) -> &Server {
                &self.0
            }
        }
    )*};
}

is_a_server!(MariaDb, Redis, Temporal);
