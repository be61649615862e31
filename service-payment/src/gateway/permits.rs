//! How many calls to the gateway may run at once, over all replicas: leased permits in Redis.
//!
//! A killed holder's permit comes back when its lease is over. Without Redis each process keeps to its share. While Redis
//! goes away or comes back for some replicas before others, the sum may be above the limit for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::cache::Cache;
use redis::Script;
use tokio::time::Instant;
use uuid::Uuid;

const KEY: &str = "payment-gateway:permits";
/// How long a call waits for a permit.
const WAIT: Duration = Duration::from_secs(1);
/// How often it asks.
const PAUSE: Duration = Duration::from_millis(20);
/// How long Redis is left alone after it failed.
const AWAY: Duration = Duration::from_secs(1);

/// Members are holders, scores the ends of their leases in microseconds by Redis's clock.
const ACQUIRE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2]) / 1000))
return 1";

/// How many permits there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PermitSettings {
    /// Over all replicas.
    pub(crate) limit: u32,
    /// How many replicas share them while Redis is away.
    pub(crate) replicas: u32,
    /// A holder that has not come back after this is taken for dead.
    pub(crate) lease: Duration,
}

/// Hands out permits.
#[derive(Clone)]
pub(crate) struct Permits(Arc<Inner>);

struct Inner {
    settings: PermitSettings,
    cache: Option<Cache>,
    /// Calls of this process that run now, whoever gave their permits.
    running: AtomicU32,
    away_until: std::sync::Mutex<Option<Instant>>,
    acquire: Script,
}

/// A permit; give it back with [`Permit::release`]. Dropped, it comes back when its lease is over.
pub(crate) struct Permit {
    permits: Permits,
    token: Option<String>,
}

impl Permits {
    /// With these settings; without Redis each process keeps to its share.
    pub(crate) fn new(settings: PermitSettings, cache: Option<Cache>) -> Self {
        let inner = Inner {
            settings,
            cache,
            running: AtomicU32::new(0),
            away_until: std::sync::Mutex::new(None),
            acquire: Script::new(ACQUIRE),
        };
        Self(Arc::new(inner))
    }

    /// A permit, or `None` if all stayed taken for a second.
    pub(crate) async fn acquire(&self) -> Option<Permit> {
        let give_up = Instant::now() + WAIT;
        loop {
            let granted = match self.ask_redis().await {
                Some(Some(token)) => {
                    self.0.running.fetch_add(1, Ordering::SeqCst);
                    Some(token)
                }
                Some(None) => None,
                None => self.take_of_share().then_some(None),
            };
            if let Some(token) = granted {
                return Some(Permit { permits: self.clone(), token });
            }
            if Instant::now() >= give_up {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Counts one more running call, unless the share is used up: in one step, since two callers may ask at once.
    fn take_of_share(&self) -> bool {
        let share = (self.0.settings.limit / self.0.settings.replicas).max(1);
        let more = |running| (running < share).then_some(running + 1);
        self.0.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// `None`: Redis is away. `Some(None)`: all are taken. `Some(Some(token))`: granted.
    async fn ask_redis(&self) -> Option<Option<Option<String>>> {
        let cache = self.0.cache.as_ref()?;
        if self.is_away() {
            return None;
        }
        let token = Uuid::new_v4().to_string();
        let lease = u64::try_from(self.0.settings.lease.as_micros()).unwrap_or(u64::MAX);
        let mut call = self.0.acquire.key(KEY);
        call.arg(self.0.settings.limit).arg(lease).arg(&token);
        let answer = cache.ask(async |mut connection| call.invoke_async::<u32>(&mut connection).await);
        match answer.await {
            Ok(granted) => Some((granted == 1).then_some(Some(token))),
            Err(error) => {
                tracing::warn!(%error, "Redis is away: keeping to this process's share of the gateway's permits");
                self.mark_away();
                None
            }
        }
    }

    fn is_away(&self) -> bool {
        self.0.away_until.lock().is_ok_and(|until| until.is_some_and(|until| Instant::now() < until))
    }

    fn mark_away(&self) {
        if let Ok(mut until) = self.0.away_until.lock() {
            *until = Some(Instant::now() + AWAY);
        }
    }
}

impl Permit {
    /// Gives it back at once.
    pub(crate) async fn release(mut self) {
        let Some(token) = self.token.take() else { return };
        let Some(cache) = self.permits.0.cache.clone() else { return };
        let mut call = redis::cmd("ZREM");
        call.arg(KEY).arg(token);
        let removed = cache.ask(async |mut connection| call.query_async::<()>(&mut connection).await);
        if let Err(error) = removed.await {
            tracing::warn!(%error, "Redis is away: a permit comes back only when its lease is over");
            self.permits.mark_away();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
