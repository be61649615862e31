//! Settings:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `SERVER_PORT` | 21081 | where to listen |
//! | `ORCHESTRATOR_ROLE` | `all` | `api`: the HTTP API alone; `worker`: the Temporal worker alone |
//! | `TEMPORAL_SERVICE_URL` | `localhost:7233` | Temporal's frontend, `host:port` or `http(s)://host:port` |
//! | `TEMPORAL_NAMESPACE` | `default` | Temporal's namespace |
//! | `TEMPORAL_TASK_QUEUE` | `order-saga` | the task queue of workflow and activities |
//! | `SERVICES_ORDER_URL`, `SERVICES_INVENTORY_URL`, `SERVICES_PAYMENT_URL` | `http://service-…:port` | the services |
//! | `SAGA_DEADLINE_MS` | 60000 | from the start of an order to its payment |
//! | `ORCHESTRATOR_WAIT_MS` | 25000 | how long a POST waits for the end before it answers 202 |
//! | `STUCK_AFTER_MS` | 60000 | an undo or a confirm that is not done after this is stuck; an order past its deadline, so long after that |
//! | `ORCHESTRATOR_MAX_ORDERS` | 100 | orders in flight; above that 503 |
//! | `SPRING_DATA_REDIS_HOST`, `…_PORT`, `…_PASSWORD[_FILE]` | none | shown in health if set |

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use common::config::{ConfigError, Env, RedisSettings};

use crate::PORT;
use crate::clients::ServiceUrls;
use crate::orders::Limits;
use crate::temporal::TemporalSettings;

/// Which parts of the program run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The API and the worker.
    All,
    /// The API alone.
    Api,
    /// The worker alone.
    Worker,
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "api" => Ok(Self::Api),
            "worker" => Ok(Self::Worker),
            _ => Err("must be all, api or worker"),
        }
    }
}

impl Role {
    pub(crate) fn has_api(self) -> bool {
        self != Self::Worker
    }

    pub(crate) fn has_worker(self) -> bool {
        self != Self::Api
    }
}

/// All settings.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) role: Role,
    pub(crate) temporal: TemporalSettings,
    pub(crate) services: ServiceUrls,
    pub(crate) redis: Option<RedisSettings>,
    pub(crate) limits: Limits,
}

impl Config {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let name = |variable: &str, default: &str| env.text(variable).unwrap_or(default).to_owned();
        let max_orders = env.count("ORCHESTRATOR_MAX_ORDERS", 100, 10_000)?;
        Ok(Self {
            listen: env.listen_address(PORT)?,
            role: env.parsed("ORCHESTRATOR_ROLE", Role::All)?,
            temporal: TemporalSettings {
                url: temporal_url(env)?,
                namespace: name("TEMPORAL_NAMESPACE", "default"),
                task_queue: name("TEMPORAL_TASK_QUEUE", "order-saga"),
                max_orders: usize::try_from(max_orders).unwrap_or(usize::MAX),
            },
            services: ServiceUrls {
                order: env.base_url("SERVICES_ORDER_URL", "http://service-order:21082")?,
                inventory: env.base_url("SERVICES_INVENTORY_URL", "http://service-inventory:21083")?,
                payment: env.base_url("SERVICES_PAYMENT_URL", "http://service-payment:21084")?,
            },
            redis: RedisSettings::from_env(env)?,
            limits: Limits {
                deadline: env.millis("SAGA_DEADLINE_MS", Duration::from_secs(60))?,
                wait: env.millis("ORCHESTRATOR_WAIT_MS", Duration::from_secs(25))?,
                stuck: env.millis("STUCK_AFTER_MS", Duration::from_secs(60))?,
            },
        })
    }
}

/// The guide writes `host:port`; gRPC wants a scheme.
fn temporal_url(env: &Env) -> Result<url::Url, ConfigError> {
    const VARIABLE: &str = "TEMPORAL_SERVICE_URL";
    let text = env.text(VARIABLE).unwrap_or("localhost:7233");
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The value is not shown: it may carry a password.
    let fault = || ConfigError::new(VARIABLE, "must look like host:7233");
    let url = url::Url::parse(&with_scheme).map_err(|_| fault())?;
    let usable = matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.port().is_some();
    if usable { Ok(url) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporals_address_is_taken_with_and_without_a_scheme() {
        for text in ["temporal:7233", "http://temporal:7233", "https://temporal:7233", "10.0.0.1:7233"] {
            assert!(temporal_url(&Env::of([("TEMPORAL_SERVICE_URL", text.to_owned())])).is_ok(), "{text}");
        }
        for text in ["temporal", "ftp://temporal:1", ":7233", "temporal:99999"] {
            assert!(temporal_url(&Env::of([("TEMPORAL_SERVICE_URL", text.to_owned())])).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_role_names_the_variable() {
        let env = Env::of([("ORCHESTRATOR_ROLE", "boss".to_owned())]);
        assert!(Config::from_env(&env).is_err_and(|error| error.variable == "ORCHESTRATOR_ROLE"));
    }
}
