//! Servers of one test system only. A test can stop them, kill them or break the network in front of them.

use std::sync::Mutex;
use std::time::Duration;

use harness::proxy::{Mode, TcpProxy};
use harness::servers::{MariaDb, Redis, Server, Temporal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{ServerAddresses, Service};

/// A server that the four programs depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// MySQL.
    Database,
    /// Redis.
    Redis,
    /// Temporal.
    Temporal,
}

impl Dependency {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Database, Self::Redis, Self::Temporal];

    /// Its name on the health page of this program. `None` if the program does not use it.
    #[must_use]
    pub fn component(self, service: Service) -> Option<&'static str> {
        match (self, service == Service::Orchestrator) {
            (Self::Database, false) => Some("db"),
            (Self::Redis, false) => Some("redis"),
            (Self::Temporal, true) => Some("temporal"),
            _ => None,
        }
    }

    /// Whether this program accepts work only after the server has been available at least once.
    #[must_use]
    pub fn delays_start(self, service: Service) -> bool {
        self != Self::Redis && self.component(service).is_some()
    }
}

/// One private server of each kind, and the network in front of each.
pub struct PrivateServers {
    database: MariaDb,
    redis: Redis,
    temporal: Temporal,
    networks: [Network; 3],
}

/// The network path to one server, through an outer and an inner proxy. An inner proxy can stop delivering on its
/// connections while a new inner proxy serves new connections.
struct Network {
    outer: TcpProxy,
    /// Only the newest inner proxy delivers. The connections of the others are lost.
    inner: Mutex<Vec<TcpProxy>>,
}

impl Network {
    async fn in_front_of(server: &Server) -> Self {
        let inner = TcpProxy::start(server.address()).await;
        Self { outer: TcpProxy::start(inner.address()).await, inner: Mutex::new(vec![inner]) }
    }
}

impl PrivateServers {
    /// Starts the servers.
    pub async fn start() -> Self {
        let (database, redis, temporal) = tokio::join!(MariaDb::start(), Redis::start(), Temporal::start());
        let networks = [
            Network::in_front_of(&database).await,
            Network::in_front_of(&redis).await,
            Network::in_front_of(&temporal).await,
        ];
        Self { database, redis, temporal, networks }
    }

    /// The addresses that the programs must use.
    #[must_use]
    pub fn addresses(&self) -> ServerAddresses {
        ServerAddresses {
            mysql: self.network(Dependency::Database).outer.address(),
            redis_port: self.network(Dependency::Redis).outer.port(),
            temporal: self.network(Dependency::Temporal).outer.address(),
            ledgers_url: self.database.url(),
        }
    }

    /// The server itself. A test can stop, kill or pause it.
    #[must_use]
    pub fn server(&self, dependency: Dependency) -> &Server {
        match dependency {
            Dependency::Database => &self.database,
            Dependency::Redis => &self.redis,
            Dependency::Temporal => &self.temporal,
        }
    }

    fn network(&self, dependency: Dependency) -> &Network {
        &self.networks[dependency as usize]
    }

    /// Sets what happens to all connections to this server.
    pub fn set_network_mode(&self, dependency: Dependency, mode: Mode) {
        self.network(dependency).outer.set_mode(mode);
    }

    /// Resets all open connections to this server.
    pub fn reset_connections(&self, dependency: Dependency) {
        self.network(dependency).outer.cut();
    }

    /// Makes all open connections to this server silent: they stay open, but deliver nothing. New connections work.
    pub async fn lose_connections(&self, dependency: Dependency) {
        let network = self.network(dependency);
        let fresh = TcpProxy::start(self.server(dependency).address()).await;
        network.outer.set_target(fresh.address());
        let mut inner = network.inner.lock().expect("nothing panics while it holds the proxies");
        inner.iter().for_each(|proxy| proxy.set_mode(Mode::Hang));
        inner.push(fresh);
    }

    /// Deletes everything in Redis.
    pub async fn flush_redis(&self) {
        let flushed = async {
            let mut connection = TcpStream::connect(self.redis.address()).await?;
            connection.write_all(b"FLUSHALL\r\n").await?;
            let mut answer = [0; 5];
            connection.read_exact(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), flushed).await.expect("Redis answers");
        assert_eq!(&answer.expect("Redis answers"), b"+OK\r\n");
    }
}
