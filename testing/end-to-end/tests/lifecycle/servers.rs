//! Private servers, to be stopped: alone, or each behind a proxy that can hang.

use end_to_end::{ServerAddresses, Service};
use harness::proxy::{Mode, TcpProxy};
use harness::servers::{MariaDb, Redis, Server, Temporal};

/// What the four programs depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependency {
    Database,
    Redis,
    Temporal,
}

impl Dependency {
    pub(crate) const ALL: [Self; 3] = [Self::Database, Self::Redis, Self::Temporal];

    /// Its name on the health page of this program, if that needs it.
    pub(crate) fn component(self, service: Service) -> Option<&'static str> {
        match (self, service == Service::Orchestrator) {
            (Self::Database, false) => Some("db"),
            (Self::Redis, false) => Some("redis"),
            (Self::Temporal, true) => Some("temporal"),
            _ => None,
        }
    }

    /// Must it be there once, before this program takes work?
    pub(crate) fn hinders_start(self, service: Service) -> bool {
        self != Self::Redis && self.component(service).is_some()
    }
}

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
            books: self.database.url(),
        }
    }

    fn of(&self, dependency: Dependency) -> &Server {
        match dependency {
            Dependency::Database => &self.database,
            Dependency::Redis => &self.redis,
            Dependency::Temporal => &self.temporal,
        }
    }

    pub(crate) async fn stop(&self, missing: &[Dependency]) {
        for dependency in missing {
            self.of(*dependency).stop().await;
        }
    }

    pub(crate) async fn start_again(&self, missing: &[Dependency]) {
        for dependency in missing {
            self.of(*dependency).start_again().await;
        }
    }
}

/// A proxy before each server.
pub(crate) struct Proxies {
    database: TcpProxy,
    redis: TcpProxy,
    temporal: TcpProxy,
}

impl Proxies {
    pub(crate) async fn before(servers: &Servers) -> Self {
        Self {
            database: TcpProxy::start(servers.database.address()).await,
            redis: TcpProxy::start(servers.redis.address()).await,
            temporal: TcpProxy::start(servers.temporal.address()).await,
        }
    }

    /// The addresses that the programs are to use.
    pub(crate) fn addresses(&self, servers: &Servers) -> ServerAddresses {
        ServerAddresses {
            mysql: self.database.address(),
            redis_port: self.redis.port(),
            temporal: self.temporal.address(),
            books: servers.database.url(),
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
