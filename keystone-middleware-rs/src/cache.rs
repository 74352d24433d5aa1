//! What Keystone said of a token, for a while: by hash, bounded in memory, never past expiry.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};

use crate::TokenContext;

/// What an entry of the negative cache is taken to weigh, in bytes.
const INVALID_BYTES: usize = 128;
/// The part of the memory that tokens that are not valid may take: strangers fill it at will.
const INVALID_SHARE: usize = 16;

/// A token's SHA-256. The token itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn of(token: &str) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(key)
    }
}

/// One moment on both clocks: spans are measured on the steady one, and a token expires by the
/// wall clock.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) steady: Instant,
    pub(crate) wall: DateTime<Utc>,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self { steady: Instant::now(), wall: Utc::now() }
    }
}

/// What is known of a token without asking.
pub(crate) enum Known {
    Valid(Arc<TokenContext>),
    Invalid,
}

/// Two bounded stores, so that a flood of invented tokens evicts no valid one.
pub(crate) struct TokenCache {
    valid_for: Duration,
    invalid_for: Duration,
    valid: Mutex<Bounded<Key, Arc<TokenContext>>>,
    // An expired token is invalid for a caller alone, and may be valid beside a service token.
    invalid: Mutex<Bounded<(Key, bool), ()>>,
}

impl TokenCache {
    /// Answers are kept for `valid_for` and `invalid_for` (zero: not at all), in about
    /// `max_bytes` of memory.
    pub(crate) fn new(valid_for: Duration, invalid_for: Duration, max_bytes: usize) -> Self {
        let invalid_bytes = max_bytes / INVALID_SHARE;
        Self {
            valid_for,
            invalid_for,
            valid: Mutex::new(Bounded::new(max_bytes - invalid_bytes)),
            invalid: Mutex::new(Bounded::new(invalid_bytes)),
        }
    }

    pub(crate) fn get(&self, key: Key, allow_expired: bool, now: Now) -> Option<Known> {
        let valid = self.valid.lock().get(&key, now.steady);
        if let Some(context) = valid {
            if context.expires_at > now.wall {
                return Some(Known::Valid(context));
            }
            self.valid.lock().remove(&key);
        }
        self.invalid.lock().get(&(key, allow_expired), now.steady).map(|()| Known::Invalid)
    }

    /// Keeps a valid token of about `bytes`, unless it has expired already.
    pub(crate) fn keep_valid(&self, key: Key, context: Arc<TokenContext>, bytes: usize, now: Now) {
        if self.valid_for.is_zero() || context.expires_at <= now.wall {
            return;
        }
        self.valid.lock().insert(key, context, bytes, now.steady + self.valid_for);
    }

    pub(crate) fn keep_invalid(&self, key: Key, allow_expired: bool, now: Now) {
        self.valid.lock().remove(&key);
        if !self.invalid_for.is_zero() {
            let until = now.steady + self.invalid_for;
            self.invalid.lock().insert((key, allow_expired), (), INVALID_BYTES, until);
        }
    }
}

/// A map that forgets what was used longest ago when it weighs too much.
struct Bounded<K, V> {
    slots: HashMap<K, Slot<V>>,
    by_use: BTreeMap<u64, K>,
    bytes: usize,
    max_bytes: usize,
    uses: u64,
}

struct Slot<V> {
    value: V,
    bytes: usize,
    until: Instant,
    last_use: u64,
}

impl<K: Copy + Eq + std::hash::Hash, V: Clone> Bounded<K, V> {
    fn new(max_bytes: usize) -> Self {
        Self { slots: HashMap::new(), by_use: BTreeMap::new(), bytes: 0, max_bytes, uses: 0 }
    }

    fn get(&mut self, key: &K, now: Instant) -> Option<V> {
        let slot = self.slots.get_mut(key)?;
        if slot.until <= now {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        self.by_use.remove(&slot.last_use);
        slot.last_use = self.uses;
        self.by_use.insert(slot.last_use, *key);
        Some(slot.value.clone())
    }

    fn insert(&mut self, key: K, value: V, bytes: usize, until: Instant) {
        self.remove(&key);
        if bytes > self.max_bytes {
            return;
        }
        while self.bytes + bytes > self.max_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some(slot) = self.slots.remove(&oldest) {
                self.bytes -= slot.bytes;
            }
        }
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key);
        self.slots.insert(key, Slot { value, bytes, until, last_use: self.uses });
    }

    fn remove(&mut self, key: &K) {
        if let Some(slot) = self.slots.remove(key) {
            self.by_use.remove(&slot.last_use);
            self.bytes -= slot.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::sample;

    const HOUR: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    fn context(now: Now, seconds: i64) -> Arc<TokenContext> {
        let mut context = sample();
        context.expires_at = now.wall + chrono::Duration::seconds(seconds);
        Arc::new(context)
    }

    fn later(now: Now, seconds: u64) -> Now {
        let span = Duration::from_secs(seconds);
        Now { steady: now.steady + span, wall: now.wall + span }
    }

    fn valid(cache: &TokenCache, key: Key, now: Now) -> bool {
        matches!(cache.get(key, false, now), Some(Known::Valid(_)))
    }

    #[test]
    fn nothing_outlives_the_cache_time_or_its_own_expiry() {
        let (now, key) = (Now::read(), Key::of("a"));
        let cache = TokenCache::new(60 * SECOND, SECOND, 1 << 20);
        cache.keep_valid(key, context(now, 3600), 100, now);
        assert!(valid(&cache, key, later(now, 59)));
        assert!(!valid(&cache, key, later(now, 60)));

        cache.keep_valid(key, context(now, 10), 100, now);
        assert!(valid(&cache, key, later(now, 9)));
        assert!(!valid(&cache, key, later(now, 10)), "expired");
        assert!(!valid(&cache, key, now), "what was found expired stays away");

        cache.keep_valid(key, context(now, -1), 100, now);
        assert!(!valid(&cache, key, now), "an expired one is not kept at all");
    }

    #[test]
    fn a_cache_time_of_zero_keeps_nothing() {
        let (now, key) = (Now::read(), Key::of("a"));
        let cache = TokenCache::new(Duration::ZERO, Duration::ZERO, 1 << 20);
        cache.keep_valid(key, context(now, 3600), 100, now);
        cache.keep_invalid(Key::of("b"), false, now);
        assert!(cache.get(key, false, now).is_none());
        assert!(cache.get(Key::of("b"), false, now).is_none());
    }

    #[test]
    fn refusals_are_kept_apart_for_expired_tokens_and_short() {
        let (now, key) = (Now::read(), Key::of("a"));
        let cache = TokenCache::new(HOUR, 10 * SECOND, 1 << 20);
        cache.keep_valid(key, context(now, 3600), 100, now);
        cache.keep_invalid(key, false, now);
        assert!(matches!(cache.get(key, false, later(now, 9)), Some(Known::Invalid)));
        assert!(cache.get(key, true, now).is_none(), "with a service token it is asked again");
        assert!(cache.get(key, false, later(now, 10)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_least_used_goes_first() {
        let now = Now::read();
        let cache = TokenCache::new(HOUR, HOUR, 16_000);
        let keys: Vec<_> = (0..16).map(|n| Key::of(&n.to_string())).collect();
        for key in &keys[..15] {
            cache.keep_valid(*key, context(now, 3600), 1000, now);
        }
        assert!(valid(&cache, keys[0], now));
        cache.keep_valid(keys[15], context(now, 3600), 1000, now);
        assert!(valid(&cache, keys[0], now), "just used");
        assert!(!valid(&cache, keys[1], now), "used longest ago");
        assert!(valid(&cache, keys[15], now));

        cache.keep_valid(Key::of("huge"), context(now, 3600), 20_000, now);
        assert!(!valid(&cache, Key::of("huge"), now));
        for n in 0..10_000 {
            cache.keep_invalid(Key::of(&format!("invented {n}")), false, now);
        }
        assert!(valid(&cache, keys[0], now), "a flood of invented tokens evicts no valid one");
        assert!(cache.invalid.lock().bytes <= 1000);
        let valid = cache.valid.lock();
        assert!(valid.bytes <= 15_000);
        assert_eq!(valid.slots.len(), valid.by_use.len());
    }
}
