//! The settings of the orchestrator. `docs/configuration.md` describes them.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use common::config::{ConfigError, Env, RedisSettings};

use crate::PORT;
use crate::clients::ServiceUrls;
use crate::orders::Limits;
use crate::temporal::TemporalSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    All,
    Api,
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
        let in_flight = usize::try_from(env.count("ORCHESTRATOR_MAX_ORDERS", 100, 10_000)?).unwrap_or(usize::MAX);
        Ok(Self {
            listen: env.listen_address(PORT)?,
            role: env.parsed("ORCHESTRATOR_ROLE", Role::All)?,
            temporal: TemporalSettings {
                url: temporal_url(env)?,
                namespace: name("TEMPORAL_NAMESPACE", "default"),
                task_queue: name("TEMPORAL_TASK_QUEUE", "order-saga"),
                in_flight_limit: in_flight,
            },
            services: ServiceUrls {
                order: env.base_url("SERVICES_ORDER_URL", "http://service-order:21082")?,
                inventory: env.base_url("SERVICES_INVENTORY_URL", "http://service-inventory:21083")?,
                payment: env.base_url("SERVICES_PAYMENT_URL", "http://service-payment:21084")?,
            },
            redis: RedisSettings::from_env(env)?,
            limits: Limits {
                in_flight,
                deadline: env.millis("SAGA_DEADLINE_MS", Duration::from_secs(60))?,
                wait: env.millis("ORCHESTRATOR_WAIT_MS", Duration::from_secs(25))?,
                stuck: env.millis("STUCK_AFTER_MS", Duration::from_secs(60))?,
            },
        })
    }
}

/// Temporal's own tools accept `host:port`, but the gRPC client needs a scheme.
fn temporal_url(env: &Env) -> Result<url::Url, ConfigError> {
    const VARIABLE: &str = "TEMPORAL_SERVICE_URL";
    let text = env.text(VARIABLE).unwrap_or("localhost:7233");
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The value may contain a password, so it is not shown.
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
