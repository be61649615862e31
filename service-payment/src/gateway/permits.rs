//! Permits limit the number of concurrent gateway calls across all replicas. They are leased in Redis.
//!
//! If a holder is killed, its permit becomes free when its lease ends. If Redis loses its data, all permits are free, and
//! more calls than allowed can run until the earlier ones end. Without Redis, each process uses only its share.
//! While some replicas reach Redis and others do not, the total number of calls can briefly exceed the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::redis_client::RedisClient;
use redis::Script;
use tokio::time::Instant;
use uuid::Uuid;

const KEY: &str = "payment-gateway:permits";
/// A call waits at most this long for a permit.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(1);
/// A waiting call asks again after this pause.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// For this long after a failure, Redis is not asked again.
const REDIS_PAUSE: Duration = Duration::from_secs(1);

/// A sorted set: a member is a holder, and its score is the end of its lease in microseconds, by Redis's clock.
const ACQUIRE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2]) / 1000))
return 1";

#[derive(Debug, Clone, Copy)]
pub(crate) struct PermitSettings {
    /// The number of permits, for all replicas together.
    pub(crate) limit: u32,
    /// The number of replicas that share the permits while Redis is unavailable.
    pub(crate) replicas: u32,
    /// A holder that keeps its permit for longer than this is considered dead.
    pub(crate) lease: Duration,
}

#[derive(Clone)]
pub(crate) struct Permits(Arc<Inner>);

struct Inner {
    settings: PermitSettings,
    redis: Option<RedisClient>,
    /// The number of permits that this process holds, from Redis or from its share.
    held: AtomicU32,
    skip_redis_until: std::sync::Mutex<Option<Instant>>,
    acquire: Script,
}

/// A permit. [`Permit::release`] frees it immediately. A permit that is only dropped becomes free when its lease ends.
pub(crate) struct Permit {
    permits: Permits,
    /// The permit's member in Redis. A permit from the share has none.
    token: Option<String>,
}

/// The answer from Redis.
enum Grant {
    Granted(String),
    AllTaken,
    /// Redis is not configured, or did not answer.
    RedisUnavailable,
}

impl Permits {
    pub(crate) fn new(settings: PermitSettings, redis: Option<RedisClient>) -> Self {
        let inner = Inner {
            settings,
            redis,
            held: AtomicU32::new(0),
            skip_redis_until: std::sync::Mutex::new(None),
            acquire: Script::new(ACQUIRE),
        };
        Self(Arc::new(inner))
    }

    /// A permit, or `None` if none became free within [`ACQUIRE_LIMIT`].
    pub(crate) async fn acquire(&self) -> Option<Permit> {
        let deadline = Instant::now() + ACQUIRE_LIMIT;
        loop {
            if let Some(permit) = self.try_acquire().await {
                return Some(permit);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn try_acquire(&self) -> Option<Permit> {
        let token = match self.ask_redis().await {
            Grant::Granted(token) => {
                self.0.held.fetch_add(1, Ordering::SeqCst);
                Some(token)
            }
            Grant::RedisUnavailable if self.take_from_share() => None,
            Grant::RedisUnavailable | Grant::AllTaken => return None,
        };
        Some(Permit { permits: self.clone(), token })
    }

    /// Takes a permit from the share of this process, if one is left. This is one atomic step, because two calls may
    /// ask at the same time.
    fn take_from_share(&self) -> bool {
        let share = (self.0.settings.limit / self.0.settings.replicas).max(1);
        let more = |held| (held < share).then_some(held + 1);
        self.0.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    async fn ask_redis(&self) -> Grant {
        let Some(client) = self.0.redis.as_ref().filter(|_| !self.skips_redis()) else {
            return Grant::RedisUnavailable;
        };
        let token = Uuid::new_v4().to_string();
        let lease = u64::try_from(self.0.settings.lease.as_micros()).unwrap_or(u64::MAX);
        let mut call = self.0.acquire.key(KEY);
        call.arg(self.0.settings.limit).arg(lease).arg(&token);
        let answer = client.run(async |mut connection| call.invoke_async::<u32>(&mut connection).await);
        match answer.await {
            Ok(1) => Grant::Granted(token),
            Ok(_) => Grant::AllTaken,
            Err(error) => {
                tracing::warn!(%error, "Redis is unavailable; this process uses only its share of the permits");
                self.skip_redis();
                Grant::RedisUnavailable
            }
        }
    }

    fn skips_redis(&self) -> bool {
        self.0.skip_redis_until.lock().is_ok_and(|until| until.is_some_and(|until| Instant::now() < until))
    }

    fn skip_redis(&self) {
        if let Ok(mut until) = self.0.skip_redis_until.lock() {
            *until = Some(Instant::now() + REDIS_PAUSE);
        }
    }
}

impl Permit {
    pub(crate) async fn release(mut self) {
        let Some(token) = self.token.take() else { return };
        let Some(client) = self.permits.0.redis.clone() else { return };
        let mut call = redis::cmd("ZREM");
        call.arg(KEY).arg(token);
        let removed = client.run(async |mut connection| call.query_async::<()>(&mut connection).await);
        if let Err(error) = removed.await {
            tracing::warn!(%error, "Redis is unavailable; a permit becomes free only when its lease ends");
            self.permits.skip_redis();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.0.held.fetch_sub(1, Ordering::SeqCst);
    }
}
