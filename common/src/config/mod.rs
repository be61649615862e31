//! Configuration. It comes from environment variables. A secret may also come from a file (`…_FILE`).

mod datasource;

use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::time::Duration;

pub use datasource::Datasource;
use url::Url;

/// A wrong setting. Its text is one line that names the variable and the fault, and never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {fault}")]
pub struct ConfigError {
    pub variable: String,
    pub fault: String,
}

impl ConfigError {
    #[must_use]
    pub fn new(variable: &str, fault: impl Into<String>) -> Self {
        Self { variable: variable.to_owned(), fault: fault.into() }
    }
}

/// The environment variables of a program. An empty value counts as not set.
#[derive(Debug, Clone, Default)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// The environment of the process. Values that are not UTF-8 are ignored.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |os: std::ffi::OsString| os.into_string().ok();
        Self(std::env::vars_os().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect())
    }

    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, String); N]) -> Self {
        Self(variables.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    #[must_use]
    pub fn text(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The parsed value, or the default if the variable is not set. Returns an error if the value cannot be parsed.
    pub fn parsed<T>(&self, variable: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.text(variable) {
            None => Ok(default),
            Some(text) => {
                text.trim().parse().map_err(|e: T::Err| ConfigError::new(variable, format!("{e} (got {text:?})")))
            }
        }
    }

    /// A duration in milliseconds, or the default. Zero is an error.
    pub fn millis(&self, variable: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        match self.parsed(variable, default)? {
            0 => Err(ConfigError::new(variable, "must be more than 0 milliseconds")),
            millis => Ok(Duration::from_millis(millis)),
        }
    }

    /// A whole number, or the default. Any value outside 1 to `max` is an error.
    pub fn count(&self, variable: &str, default: u32, max: u32) -> Result<u32, ConfigError> {
        match self.parsed(variable, default)? {
            n if (1..=max).contains(&n) => Ok(n),
            n => Err(ConfigError::new(variable, format!("must be from 1 to {max} (got {n})"))),
        }
    }

    /// A secret: the value of `variable`, or the content of the file that `{variable}_FILE` names, with one trailing
    /// newline removed. Returns an error if both variables are set, or if the file cannot be read.
    pub fn secret(&self, variable: &str) -> Result<Option<String>, ConfigError> {
        let file_variable = format!("{variable}_FILE");
        match (self.text(variable), self.text(&file_variable)) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new(variable, format!("is set, and so is {file_variable}: set one")))
            }
            (value, None) => Ok(value.map(str::to_owned)),
            (None, Some(path)) => {
                let content = std::fs::read_to_string(path)
                    .map_err(|e| ConfigError::new(&file_variable, format!("{path} cannot be read: {e}")))?;
                let line = content.strip_suffix('\n').unwrap_or(&content);
                Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
            }
        }
    }

    /// An `http://` or `https://` address without a path, or the default.
    pub fn base_url(&self, variable: &str, default: &str) -> Result<Url, ConfigError> {
        let text = self.text(variable).unwrap_or(default);
        // The value may contain a password, so it is not shown.
        let shape = "must look like http://host:port";
        let url = Url::parse(text).map_err(|e| ConfigError::new(variable, format!("{shape}: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.path() != "/" {
            return Err(ConfigError::new(variable, shape));
        }
        Ok(url)
    }

    /// The address to listen on: all network addresses, with the port `SERVER_PORT` (0: a free port) or the default.
    pub fn listen_address(&self, default_port: u16) -> Result<SocketAddr, ConfigError> {
        Ok(SocketAddr::from(([0, 0, 0, 0], self.parsed("SERVER_PORT", default_port)?)))
    }

    #[must_use]
    pub fn profile(&self, name: &str) -> bool {
        self.text("SPRING_PROFILES_ACTIVE").is_some_and(|list| list.split(',').any(|p| p.trim() == name))
    }
}

const DEFAULT_REDIS_PORT: NonZeroU16 = match NonZeroU16::new(6379) {
    Some(port) => port,
    None => NonZeroU16::MIN,
};

/// The address of Redis, from `SPRING_DATA_REDIS_{HOST,PORT,PASSWORD[_FILE]}`. The default port is 6379.
#[derive(Clone)]
pub struct RedisSettings {
    pub host: String,
    pub port: u16,
    pub password: Option<String>,
}

impl RedisSettings {
    /// `None` if no host is set.
    pub fn from_env(env: &Env) -> Result<Option<Self>, ConfigError> {
        let port = env.parsed("SPRING_DATA_REDIS_PORT", DEFAULT_REDIS_PORT)?.get();
        let password = env.secret("SPRING_DATA_REDIS_PASSWORD")?;
        Ok(env.text("SPRING_DATA_REDIS_HOST").map(|host| Self { host: host.to_owned(), port, password }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_its_file_without_the_trailing_newline() {
        let path = std::env::temp_dir().join(format!("secret-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").expect("writable");
        let env = Env::of([("PW_FILE", path.display().to_string())]);
        assert_eq!(env.secret("PW"), Ok(Some("s3cret".to_owned())));
        std::fs::remove_file(path).expect("removable");
    }

    #[test]
    fn a_secret_given_twice_or_in_a_missing_file_is_an_error_that_does_not_show_it() {
        let both = Env::of([("PW", "s3cret".to_owned()), ("PW_FILE", "/nowhere".to_owned())]);
        let error = both.secret("PW").expect_err("both set").to_string();
        assert!(error.starts_with("PW: ") && !error.contains("s3cret"), "{error}");
        let missing = Env::of([("PW_FILE", "/nowhere/at/all".to_owned())]);
        assert!(missing.secret("PW").expect_err("no file").to_string().starts_with("PW_FILE: "));
    }

    #[test]
    fn a_wrong_number_names_the_variable() {
        let env = Env::of([("SERVER_PORT", "80a".to_owned())]);
        assert_eq!(env.listen_address(1).expect_err("not a port").variable, "SERVER_PORT");
        let env = Env::of([("N", "0".to_owned())]);
        assert!(env.count("N", 5, 10).is_err());
    }

    #[test]
    fn an_address_needs_scheme_and_host_and_no_path() {
        for bad in ["service-order:21082", "ftp://x", "http://", "http://x/path", "x"] {
            assert!(Env::of([("U", bad.to_owned())]).base_url("U", "http://d").is_err(), "{bad}");
        }
        assert!(Env::of([("U", "http://service-order:21082".to_owned())]).base_url("U", "http://d").is_ok());
    }
}
