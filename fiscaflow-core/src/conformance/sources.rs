//! Time, ids and chance that are the same in every run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::env::{Clock, IdSource};

/// A clock that is moved by hand. It starts on 2024-01-01 at noon.
#[derive(Debug)]
pub struct FixedClock {
    micros: AtomicI64,
}

/// 2024-01-01T12:00:00Z.
const START_MICROS: i64 = 1_704_110_400_000_000;

impl Default for FixedClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(START_MICROS) }
    }
}

impl FixedClock {
    /// A clock that stands at an instant.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { micros: AtomicI64::new(now.timestamp_micros()) }
    }

    /// Moves on, or back.
    pub fn advance(&self, by: TimeDelta) {
        self.micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }

    /// Moves to an instant.
    pub fn set(&self, now: DateTime<Utc>) {
        self.micros.store(now.timestamp_micros(), Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

/// Ids and salts that count up from a seed: two sources of one seed give the same, two of
/// different seeds have no id in common.
#[derive(Debug)]
pub struct SequentialIds {
    seed: u32,
    given: AtomicU64,
}

impl SequentialIds {
    /// Ids of a seed.
    pub const fn new(seed: u32) -> Self {
        Self { seed, given: AtomicU64::new(1) }
    }

    fn next(&self) -> u64 {
        self.given.fetch_add(1, Ordering::Relaxed)
    }
}

impl IdSource for SequentialIds {
    fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u128::try_from(now.timestamp_millis()).unwrap_or(0) & ((1 << 48) - 1);
        let count = u128::from(self.next() & ((1 << 42) - 1));
        // The counter stands before the seed, so that ids of one source ascend within a
        // millisecond.
        let (high, low) = (count >> 30, count & ((1 << 30) - 1));
        let low = low << 32 | u128::from(self.seed);
        Uuid::from_u128(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }

    fn salt(&self) -> [u8; 16] {
        let mut random = Random::new(u64::from(self.seed) << 32 | self.next());
        let mut salt = [0; 16];
        for part in salt.chunks_mut(8) {
            part.copy_from_slice(&random.next().to_be_bytes());
        }
        salt
    }
}

/// Chance from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The chance of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Sixty-four random bits.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        let number = self.next().checked_rem(end).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.below(from.len());
        from.get(place)
    }
}
