//! The life of a process: starting → started → draining. Health, HTTP and workers all look at this one place.

use std::time::Duration;

use tokio::sync::watch;

/// How long a draining process goes on accepting connections, so that load balancers learn of it first.
pub const LAME_DUCK: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Open,
    Draining,
    Stopped,
}

/// A process may drain without ever having started for good.
#[derive(Debug, Default)]
struct State {
    started: bool,
    phase: Phase,
}

/// A handle on the process's life; clones share it. It only ever goes forward.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle(watch::Sender<State>);

impl Lifecycle {
    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|state| {
            let forward = state.phase < to;
            if forward {
                state.phase = to;
            }
            forward
        });
    }

    async fn reached(&self, wanted: Phase) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|state| state.phase >= wanted).await;
    }

    /// The process has started for good: database there and migrated, worker polling.
    pub fn mark_started(&self) {
        self.0.send_modify(|state| state.started = true);
    }

    /// SIGTERM came: finish what runs, take no more.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// The listener is closed.
    pub fn stop_accepting(&self) {
        self.advance(Phase::Stopped);
    }

    /// Has it started for good (and perhaps begun to drain since)?
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.0.borrow().started
    }

    /// Does it drain?
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.borrow().phase >= Phase::Draining
    }

    /// Should new work be sent here?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_started() && !self.is_draining()
    }

    /// Resolves when draining begins.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Resolves when no new connection is taken any more.
    pub async fn stopped_accepting(&self) {
        self.reached(Phase::Stopped).await;
    }

    /// Waits for SIGTERM or SIGINT, then walks through draining: [`LAME_DUCK`] long connections are still taken.
    pub async fn follow_signals(&self) {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be watched; only SIGKILL will stop this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.drain();
        tracing::info!("draining");
        tokio::time::sleep(LAME_DUCK).await;
        self.stop_accepting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_drains_is_never_ready_again() {
        let life = Lifecycle::default();
        assert!(!life.is_ready());
        life.mark_started();
        assert!(life.is_ready());
        life.drain();
        life.mark_started();
        assert!(!life.is_ready() && life.has_started() && life.is_draining());
    }

    #[test]
    fn a_process_that_drains_before_it_has_started_has_not_started() {
        let life = Lifecycle::default();
        life.drain();
        life.stop_accepting();
        assert!(!life.has_started() && !life.is_ready());
    }
}
