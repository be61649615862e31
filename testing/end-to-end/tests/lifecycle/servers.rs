//! Private servers that a test can stop, and proxies in front of them that can hang.

use end_to_end::{Dependency, ServerAddresses};
use harness::proxy::{Mode, TcpProxy};
use harness::servers::{MariaDb, Redis, Server, Temporal};

/// One private server of each kind.
pub(crate) struct Servers {
    pub(crate) database: MariaDb,
    pub(crate) redis: Redis,
    pub(crate) temporal: Temporal,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self { database: MariaDb::start().await, redis: Redis::start().await, temporal: Temporal::start().await }
    }

    pub(crate) fn addresses(&self) -> ServerAddresses {
        ServerAddresses {
            mysql: self.database.address(),
            redis_port: self.redis.port(),
            temporal: self.temporal.address(),
            ledgers_url: self.database.url(),
        }
    }

    fn server(&self, dependency: Dependency) -> &Server {
        match dependency {
            Dependency::Database => &self.database,
            Dependency::Redis => &self.redis,
            Dependency::Temporal => &self.temporal,
        }
    }

    pub(crate) async fn stop(&self, dependencies: &[Dependency]) {
        for dependency in dependencies {
            self.server(*dependency).stop().await;
        }
    }

    pub(crate) async fn start_again(&self, dependencies: &[Dependency]) {
        for dependency in dependencies {
            self.server(*dependency).start_again().await;
        }
    }
}

/// A proxy in front of each server.
pub(crate) struct Proxies {
    database: TcpProxy,
    redis: TcpProxy,
    temporal: TcpProxy,
}

impl Proxies {
    pub(crate) async fn in_front_of(servers: &Servers) -> Self {
        Self {
            database: TcpProxy::start(servers.database.address()).await,
            redis: TcpProxy::start(servers.redis.address()).await,
            temporal: TcpProxy::start(servers.temporal.address()).await,
        }
    }

    /// The addresses that the programs must use.
    pub(crate) fn addresses(&self, servers: &Servers) -> ServerAddresses {
        ServerAddresses {
            mysql: self.database.address(),
            redis_port: self.redis.port(),
            temporal: self.temporal.address(),
            ledgers_url: servers.database.url(),
        }
    }

    pub(crate) fn set_mode(&self, dependencies: &[Dependency], mode: Mode) {
        for dependency in dependencies {
            match dependency {
                Dependency::Database => &self.database,
                Dependency::Redis => &self.redis,
                Dependency::Temporal => &self.temporal,
            }
            .set_mode(mode);
        }
    }
}
