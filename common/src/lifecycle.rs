//! The life cycle of a process: starting → started → draining → stopped accepting.

use std::time::Duration;

use tokio::sync::watch;

/// A draining process keeps accepting connections for this long, so that load balancers notice the change first.
pub const LAME_DUCK: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Open,
    Draining,
    Stopped,
}

/// `started` is separate from the phase, because a process may begin to drain before it has started.
#[derive(Debug, Default)]
struct State {
    started: bool,
    phase: Phase,
}

/// A handle to the life cycle of the process, which only moves forward. All clones share the same life cycle.
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
        // `wait_for` fails only if the sender is dropped, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|state| state.phase >= wanted).await;
    }

    /// Marks the process as started: its database is migrated, and its worker polls for tasks.
    pub fn mark_started(&self) {
        self.0.send_modify(|state| state.started = true);
    }

    /// Starts draining: readiness is DOWN, and running work is finished.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    pub fn stop_accepting(&self) {
        self.advance(Phase::Stopped);
    }

    /// Whether the process has started. It may already be draining.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.0.borrow().started
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.borrow().phase >= Phase::Draining
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_started() && !self.is_draining()
    }

    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    pub async fn stopped_accepting(&self) {
        self.reached(Phase::Stopped).await;
    }

    /// Waits for SIGTERM or SIGINT and then drains. New connections are accepted for another [`LAME_DUCK`].
    pub async fn follow_signals(&self) {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("cannot handle signals; only SIGKILL will stop this process");
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
