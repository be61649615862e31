//! Temporal errors.

use std::error::Error;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TemporalError {
    #[error("Temporal is not connected yet")]
    NotConnected,
    #[error("Temporal did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    #[error("Temporal returned an error")]
    Client(#[source] Box<dyn Error + Send + Sync>),
    #[error("the workflow disappeared between two calls")]
    Disappeared,
    #[error("this process is stopping")]
    Stopping,
}

impl TemporalError {
    pub(crate) fn client(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Client(error.into())
    }
}
