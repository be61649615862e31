//! The address of the database: a JDBC URL as Spring Boot uses it (`jdbc:mysql://…?…`), or `mysql://…`.

use std::fmt;

use percent_encoding::percent_decode_str;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::Url;

use super::{ConfigError, Env};

#[derive(Clone, PartialEq, Eq)]
pub struct Datasource {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub username: String,
    password: String,
    tls: Tls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

#[derive(Debug, thiserror::Error)]
enum DatasourceError {
    #[error("{SHAPE}: {0}")]
    Url(#[from] url::ParseError),
    #[error("{SHAPE}: the scheme is {0:?}")]
    Scheme(String),
    #[error("{SHAPE}: the host is missing")]
    NoHost,
    #[error("{SHAPE}: the database name must be 1 to 64 characters of A-Za-z0-9_-")]
    DatabaseName,
    #[error("{name} cannot be {value:?}")]
    Parameter { name: String, value: String },
}

const SHAPE: &str = "must look like jdbc:mysql://host:3306/database";

impl Datasource {
    /// Reads `{prefix}_URL`, `{prefix}_USERNAME` (default: root) and `{prefix}_PASSWORD[_FILE]`. An
    /// error does not show the password.
    pub fn from_env(env: &Env, prefix: &str, default_database: &str) -> Result<Self, ConfigError> {
        let variable = format!("{prefix}_URL");
        let default_url = format!("jdbc:mysql://localhost:3306/{default_database}");
        let mut source = Self::parse(env.text(&variable).unwrap_or(&default_url))
            .map_err(|error| ConfigError::new(&variable, error.to_string()))?;
        if let Some(username) = env.text(&format!("{prefix}_USERNAME")) {
            username.clone_into(&mut source.username);
        }
        if let Some(password) = env.secret(&format!("{prefix}_PASSWORD"))? {
            source.password = password;
        }
        Ok(source)
    }

    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    fn parse(text: &str) -> Result<Self, DatasourceError> {
        let url = Url::parse(text.strip_prefix("jdbc:").unwrap_or(text))?;
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(DatasourceError::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(DatasourceError::NoHost)?;
        let database = url.path().trim_matches('/');
        let safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if database.is_empty() || database.len() > 64 || !database.chars().all(safe) {
            return Err(DatasourceError::DatabaseName);
        }
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let username = Some(url.username()).filter(|name| !name.is_empty()).map_or("root".to_owned(), decoded);
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(3306),
            database: database.to_owned(),
            username,
            password: url.password().map(decoded).unwrap_or_default(),
            tls: tls_of(&url)?,
        })
    }

    /// The connection options for sqlx. Use `database: false` for the connection that creates the database.
    #[must_use]
    pub fn connect_options(&self, database: bool) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .username(&self.username)
            .charset("utf8mb4")
            .ssl_mode(match self.tls {
                Tls::Disabled => MySqlSslMode::Disabled,
                Tls::Preferred => MySqlSslMode::Preferred,
                Tls::Required => MySqlSslMode::Required,
                Tls::VerifyCa => MySqlSslMode::VerifyCa,
                Tls::VerifyIdentity => MySqlSslMode::VerifyIdentity,
            });
        // An account without a password rejects even an empty password, so none is sent.
        let options = if self.password.is_empty() { options } else { options.password(&self.password) };
        if database { options.database(&self.database) } else { options }
    }
}

/// Reads JDBC's TLS parameters. The others (time zone, encodings) describe what sqlx does anyway.
fn tls_of(url: &Url) -> Result<Tls, DatasourceError> {
    let mut tls = Tls::Preferred;
    for (key, value) in url.query_pairs() {
        tls = match (key.as_ref(), value.to_ascii_uppercase().as_str()) {
            ("useSSL", "FALSE") | ("sslMode" | "ssl-mode", "DISABLED") => Tls::Disabled,
            ("useSSL", "TRUE") | ("sslMode" | "ssl-mode", "REQUIRED") => Tls::Required,
            ("sslMode" | "ssl-mode", "PREFERRED") => Tls::Preferred,
            ("sslMode" | "ssl-mode", "VERIFY_CA") => Tls::VerifyCa,
            ("sslMode" | "ssl-mode", "VERIFY_IDENTITY") => Tls::VerifyIdentity,
            ("useSSL" | "sslMode" | "ssl-mode", _) => {
                return Err(DatasourceError::Parameter { name: key.into_owned(), value: value.into_owned() });
            }
            _ => tls,
        };
    }
    Ok(tls)
}

impl fmt::Debug for Datasource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://{}@{}:{}/{}", self.username, self.host, self.port, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_address_is_understood() {
        let env = Env::of([
            (
                "SPRING_DATASOURCE_URL",
                "jdbc:mysql://mysql:3306/orders?useSSL=false&allowPublicKeyRetrieval=true".to_owned(),
            ),
            ("SPRING_DATASOURCE_USERNAME", "root".to_owned()),
            ("SPRING_DATASOURCE_PASSWORD", "root1234".to_owned()),
        ]);
        let source = Datasource::from_env(&env, "SPRING_DATASOURCE", "x").expect("right");
        assert_eq!(
            (source.host.as_str(), source.port, source.database.as_str(), source.tls),
            ("mysql", 3306, "orders", Tls::Disabled)
        );
        assert_eq!(source.password, "root1234");
        assert!(!format!("{source:?}").contains("root1234"));
    }

    #[test]
    fn a_plain_mysql_address_may_carry_the_account() {
        let source = Datasource::parse("mysql://app:p%40ss@db:3307/orders?sslMode=VERIFY_CA").expect("right");
        assert_eq!((source.username.as_str(), source.password.as_str(), source.port), ("app", "p@ss", 3307));
        assert_eq!(source.tls, Tls::VerifyCa);
    }

    #[test]
    fn a_wrong_address_is_refused_without_showing_a_password() {
        for bad in [
            "",
            "orders",
            "postgres://u:s3cret@h/d",
            "jdbc:mysql://u:s3cret@h:99999/d",
            "jdbc:mysql://h",
            "jdbc:mysql://h/a;drop",
            "jdbc:mysql://h/d?sslMode=MAYBE",
        ] {
            let fault = Datasource::parse(bad).expect_err(bad).to_string();
            assert!(!fault.contains("s3cret"), "{fault}");
        }
    }
}
