//! Servers of a world's own, to be stopped, killed, or cut off by the network.

use std::sync::Mutex;
use std::time::Duration;

use harness::proxy::{Mode, TcpProxy};
use harness::servers::{MariaDb, Redis, Server, Temporal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{ServerAddresses, Service};

/// What the four programs depend on.
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

    /// Its name on the health page of this program, if that needs it.
    #[must_use]
    pub fn component(self, service: Service) -> Option<&'static str> {
        match (self, service == Service::Orchestrator) {
            (Self::Database, false) => Some("db"),
            (Self::Redis, false) => Some("redis"),
            (Self::Temporal, true) => Some("temporal"),
            _ => None,
        }
    }
}

/// One private server of each kind, and the network before each.
pub struct Site {
    database: MariaDb,
    redis: Redis,
    temporal: Temporal,
    networks: [Network; 3],
}

/// The way to one server. It goes through two proxies, so that connections can be lost while new ones are served.
struct Network {
    outer: TcpProxy,
    /// The last one serves; those before it have lost their connections.
    inner: Mutex<Vec<TcpProxy>>,
}

impl Network {
    async fn before(server: &Server) -> Self {
        let inner = TcpProxy::start(server.address()).await;
        Self { outer: TcpProxy::start(inner.address()).await, inner: Mutex::new(vec![inner]) }
    }
}

impl Site {
    /// Starts the servers.
    pub async fn start() -> Self {
        let (database, redis, temporal) = tokio::join!(MariaDb::start(), Redis::start(), Temporal::start());
        let networks =
            [Network::before(&database).await, Network::before(&redis).await, Network::before(&temporal).await];
        Self { database, redis, temporal, networks }
    }

    /// The addresses that the programs are to use.
    #[must_use]
    pub fn addresses(&self) -> ServerAddresses {
        ServerAddresses {
            mysql: self.network(Dependency::Database).outer.address(),
            redis_port: self.network(Dependency::Redis).outer.port(),
            temporal: self.network(Dependency::Temporal).outer.address(),
            books: self.database.url(),
        }
    }

    /// The server itself, to be stopped, killed or paused.
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

    /// Changes what happens to all connections to this server.
    pub fn set_network(&self, dependency: Dependency, mode: Mode) {
        self.network(dependency).outer.set_mode(mode);
    }

    /// Resets the connections to this server that are open now.
    pub fn cut(&self, dependency: Dependency) {
        self.network(dependency).outer.cut();
    }

    /// Loses the connections to this server that are open now: they stay open, and nothing comes through them any more.
    /// New ones are served.
    pub async fn lose_connections(&self, dependency: Dependency) {
        let network = self.network(dependency);
        let fresh = TcpProxy::start(self.server(dependency).address()).await;
        network.outer.set_target(fresh.address());
        let mut inner = network.inner.lock().expect("nothing panics while it holds the proxies");
        inner.iter().for_each(|proxy| proxy.set_mode(Mode::Hang));
        inner.push(fresh);
    }

    /// Redis forgets everything.
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
