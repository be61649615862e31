//! Private, real servers: a database, Redis and Temporal. Each has a free port of 127.0.0.1 and its own data.

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

/// The common part of [`MariaDb`], [`Redis`] and [`Temporal`]. The server stops when the value is dropped, or at the
/// latest when the test process ends.
pub struct Server {
    daemon: Daemon,
    launch: Launch,
    port: u16,
    kind: Kind,
}

/// The kind of a server, which determines how to test its readiness.
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

    /// The port on 127.0.0.1. It stays the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`, the form that [`TcpProxy::start`](crate::proxy::TcpProxy::start) expects.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Sends SIGTERM and waits until the server has ended.
    pub async fn stop(&self) {
        self.daemon.signal(Signal::TERM);
        self.daemon.exit_code(STOP_LIMIT).await;
    }

    /// Sends SIGKILL and waits until the server has ended.
    pub async fn kill(&self) {
        self.daemon.signal(Signal::KILL);
        self.daemon.exit_code(STOP_LIMIT).await;
    }

    /// Starts the server after `stop` or `kill`, on the same port with the same data, and waits until it is ready.
    pub async fn start_again(&self) {
        self.begin_start_again();
        self.wait_ready().await;
    }

    /// Like [`start_again`](Self::start_again), but does not wait.
    pub fn begin_start_again(&self) {
        self.daemon.start(&self.launch);
    }

    /// Waits until the server is ready.
    pub async fn wait_ready(&self) {
        self.daemon.ready_when(START_LIMIT, "the server to be ready", async || self.is_ready().await).await;
    }

    /// Whether the server is ready now.
    pub async fn is_ready(&self) -> bool {
        match self.kind {
            Kind::Database => database::is_ready(self.port).await,
            Kind::Redis => redis::is_ready(self.port).await,
            Kind::Temporal => temporal::is_ready(self.port).await,
        }
    }

    /// Sends SIGSTOP and waits until the server has stopped: its connections stay open, but it does not answer.
    pub async fn pause(&self) {
        self.daemon.pause().await;
    }

    /// Sends SIGCONT, so the server continues.
    pub fn resume(&self) {
        self.daemon.signal(Signal::CONT);
    }

    /// The whole output of the server.
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
