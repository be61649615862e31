//! The settings of this service, in addition to [`Settings`]:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `GATEWAY_DATASOURCE_URL`, `…_USERNAME`, `…_PASSWORD[_FILE]` | the values of `SPRING_DATASOURCE_…`, with the database `gateway` | the ledger of the simulated gateway |
//! | `GATEWAY_DELAY_MS` | 0 | how long the simulated gateway takes for each approval |
//! | `GATEWAY_TIMEOUT_MS` | 8000 | how long a call waits for the gateway's answer |
//! | `GATEWAY_PERMITS` | 50 | how many gateway calls may run at the same time in all replicas together |
//! | `GATEWAY_REPLICAS` | 2 | how many replicas share the permits while Redis is unavailable |
//! | `PAYMENT_LEASE_MS` | 12000 | the lease: how long one call to `pay` has the payment row to itself |

use std::time::Duration;

use common::config::{ConfigError, Datasource, Env};
use common::service::Settings;

use crate::PORT;
use crate::gateway::PermitSettings;

/// A lease exceeds the gateway's time limit by at least this much, so that it also covers the commit after the answer.
const LEASE_MARGIN: Duration = Duration::from_secs(2);

pub(crate) struct Config {
    pub(crate) service: Settings,
    pub(crate) gateway: Datasource,
    pub(crate) gateway_delay: Duration,
    pub(crate) gateway_limit: Duration,
    pub(crate) permits: PermitSettings,
    pub(crate) lease: Duration,
}

impl Config {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let service = Settings::from_env(env, PORT, "payments")?;
        let gateway = if env.text("GATEWAY_DATASOURCE_URL").is_some() {
            Datasource::from_env(env, "GATEWAY_DATASOURCE", "gateway")?
        } else {
            service.datasource.with_database("gateway")
        };
        let gateway_limit = env.millis("GATEWAY_TIMEOUT_MS", Duration::from_secs(8))?;
        let lease = env.millis("PAYMENT_LEASE_MS", Duration::from_secs(12))?;
        if lease < gateway_limit + LEASE_MARGIN {
            let least = (gateway_limit + LEASE_MARGIN).as_millis();
            return Err(ConfigError::new(
                "PAYMENT_LEASE_MS",
                format!("must be GATEWAY_TIMEOUT_MS + 2000 = {least} or more"),
            ));
        }
        Ok(Self {
            service,
            gateway,
            gateway_delay: Duration::from_millis(env.parsed("GATEWAY_DELAY_MS", 0)?),
            gateway_limit,
            permits: PermitSettings {
                limit: env.count("GATEWAY_PERMITS", 50, 100_000)?,
                replicas: env.count("GATEWAY_REPLICAS", 2, 1000)?,
                lease: gateway_limit + LEASE_MARGIN,
            },
            lease,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_ends_before_the_gateways_time_limit_is_refused() {
        let env = Env::of([("GATEWAY_TIMEOUT_MS", "8000".to_owned()), ("PAYMENT_LEASE_MS", "9000".to_owned())]);
        assert!(Config::from_env(&env).is_err_and(|error| error.variable == "PAYMENT_LEASE_MS"));
    }
}
