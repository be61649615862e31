//! For how long steps have been waiting.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::ids::SagaId;

/// Since when this process has known of pending steps, by saga and activity.
///
/// Temporal's own times tell of tries, and stand still while no worker is there to try; our clock does not. Only its
/// differences count, so nobody's idea of the time of day does.
#[derive(Clone, Default)]
pub(super) struct Ages(Arc<Mutex<HashMap<(SagaId, String), Seen>>>);

/// What stands for the activity of a saga of which no step is being tried.
const SILENCE: &str = "";

/// How old a step was when it was first seen here, and when that was.
type Seen = (Duration, Instant);

impl Ages {
    /// A step was at least so old when it was tried last, by what Temporal says.
    pub(super) fn note(&self, saga: &SagaId, activity: &str, known: Duration) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry((saga.clone(), activity.to_owned())).or_insert_with(|| (known, Instant::now()));
    }

    /// The age of a step that has been seen here before.
    pub(super) fn known(&self, saga: &SagaId, activity: &str) -> Option<Duration> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&(saga.clone(), activity.to_owned())).map(|(base, since)| *base + since.elapsed())
    }

    /// For how long no step of this saga has been tried, as far as was seen here: it is so now.
    pub(super) fn of_silence(&self, saga: &SagaId) -> Duration {
        self.note(saga, SILENCE, Duration::ZERO);
        self.known(saga, SILENCE).unwrap_or_default()
    }

    /// For how long that had been so when it was looked at last.
    pub(super) fn known_silence(&self, saga: &SagaId) -> Option<Duration> {
        self.known(saga, SILENCE)
    }

    /// A step of this saga is being tried.
    pub(super) fn end_of_silence(&self, saga: &SagaId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(saga.clone(), SILENCE.to_owned()));
    }

    /// Forgets the steps of all other sagas.
    pub(super) fn keep(&self, running: &HashSet<SagaId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(saga, _), _| running.contains(saga));
    }
}
