//! The time and fresh ids of the machine: what the pure core is given outside of tests.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use fiscaflow_core::log::Hash;
use fiscaflow_core::{Clock, Error, ErrorCode, IdSource, Result};
use uuid::Uuid;

/// The machine's clock, cut to microseconds: what every store can keep.
///
/// ```
/// use fiscaflow_core::Clock;
/// use fiscaflow_store::SystemClock;
///
/// assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1_000, 0);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}

/// Random ids and salts from the operating system.
///
/// Ids are UUIDs of version 7 that ascend within the process: two ids of one millisecond differ in
/// their counter, and a clock that is set back does not make an id that sorts before another
/// (RFC 9562, section 6.2, method 2). Salts are read in blocks, because one system call for each
/// would take most of the time of a large import.
///
/// ```
/// use fiscaflow_core::{Clock, IdSource};
/// use fiscaflow_store::{RandomIds, SystemClock};
///
/// let ids = RandomIds::new()?;
/// let now = SystemClock.now();
/// assert!(ids.uuid(now) < ids.uuid(now));
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
pub struct RandomIds {
    state: Mutex<State>,
}

/// Salts in one block.
const BLOCK_BYTES: usize = 16 * 256;
/// The bits of a UUID of version 7 that are neither time, version nor variant.
const COUNTER_BITS: u32 = 74;

struct State {
    block: Box<[u8; BLOCK_BYTES]>,
    used: usize,
    /// A fork copies the block; the copy must not be used a second time.
    process: u32,
    /// Derives blocks should the operating system fail to give one later on.
    reserve: [u8; 32],
    blocks: u64,
    /// The milliseconds and the counter of the newest id.
    newest: (u64, u128),
}

impl RandomIds {
    /// A source of its own; fails where the operating system has no randomness to give.
    pub fn new() -> Result<Self> {
        let mut reserve = [0; 32];
        let mut block = Box::new([0; BLOCK_BYTES]);
        getrandom::fill(&mut reserve)
            .and_then(|()| getrandom::fill(&mut *block))
            .map_err(|_| Error::new(ErrorCode::Internal, "the system has no randomness to give"))?;
        let process = std::process::id();
        let state = State { block, used: 0, process, reserve, blocks: 0, newest: (0, 0) };
        Ok(Self { state: Mutex::new(state) })
    }

    fn with<T>(&self, make: impl FnOnce(&mut State) -> T) -> T {
        // A panic while it was held leaves bytes that are random all the same.
        make(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn bytes(&mut self) -> [u8; 16] {
        if self.process != std::process::id() {
            self.process = std::process::id();
            self.used = BLOCK_BYTES;
            // A full counter: the next id takes a fresh one, which the parent has not.
            self.newest.1 = u128::MAX;
        }
        if self.used >= BLOCK_BYTES {
            self.refill();
        }
        let end = self.used.saturating_add(16);
        let mut taken = [0; 16];
        if let Some(bytes) = self.block.get_mut(self.used..end) {
            taken.copy_from_slice(bytes);
            // What was given out stays nowhere.
            bytes.fill(0);
        }
        self.used = end;
        taken
    }

    fn refill(&mut self) {
        self.used = 0;
        self.blocks = self.blocks.wrapping_add(1);
        if getrandom::fill(&mut *self.block).is_ok() {
            return;
        }
        let process = self.process.to_be_bytes();
        for (number, part) in self.block.chunks_mut(32).enumerate() {
            let place = [self.blocks.to_be_bytes(), (number as u64).to_be_bytes()].concat();
            let derived = Hash::of(&[&self.reserve, &process, &place]);
            part.copy_from_slice(derived.as_bytes());
        }
        self.reserve = *Hash::of(&[&self.reserve, &process, b"next"]).as_bytes();
    }

    fn next_id(&mut self, millis: u64) -> Uuid {
        let random = u128::from_be_bytes(self.bytes());
        let (newest_millis, newest_counter) = self.newest;
        self.newest = if millis > newest_millis {
            // The counter's first bit is left at zero, so that there is room to count up.
            (millis, random >> (128 - COUNTER_BITS + 1))
        } else {
            // A random step keeps the next id as hard to guess as 32 bits make it.
            let counter = newest_counter.saturating_add(1).saturating_add(random >> 96);
            if counter >> COUNTER_BITS == 0 {
                (newest_millis, counter)
            } else {
                (newest_millis.saturating_add(1), random >> (128 - COUNTER_BITS + 1))
            }
        };
        let (millis, counter) = self.newest;
        let high = u128::from(millis) << 80 | 0x7 << 76 | (counter >> 62) << 64;
        let low = 0b10 << 62 | counter & ((1 << 62) - 1);
        Uuid::from_u128(high | low)
    }
}

impl IdSource for RandomIds {
    fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0) & ((1 << 48) - 1);
        self.with(|state| state.next_id(millis))
    }

    fn salt(&self) -> [u8; 16] {
        self.with(State::bytes)
    }
}

impl fmt::Debug for RandomIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomIds")
    }
}

#[cfg(test)]
mod tests {
    //! What an id is made of, and that none comes twice.

    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_ascend_within_a_millisecond_and_when_the_clock_goes_back() {
        // Holds: ids are of version 7, ascend whatever the clock says, and carry its time.
        let ids = RandomIds::new().unwrap();
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        let mut newest = Uuid::nil();
        for millis in [5_000, 5_000, 5_001, 4_000, 4_000, 9_000].repeat(1_000) {
            let id = ids.uuid(at(millis));
            assert!(id > newest, "{id} after {newest}");
            assert_eq!((id.get_version_num(), id.as_bytes()[8] >> 6), (7, 0b10));
            newest = id;
        }
        assert_eq!(newest.as_u128() >> 80, 9_000);
    }

    #[test]
    fn a_full_counter_moves_to_the_next_millisecond() {
        // Holds: an id that would overflow its counter ascends all the same.
        let ids = RandomIds::new().unwrap();
        let full = (1 << COUNTER_BITS) - 1;
        ids.with(|state| state.newest = (7, full));
        let id = ids.uuid(DateTime::from_timestamp_millis(7).unwrap());
        assert_eq!(id.as_u128() >> 80, 8);
    }

    #[test]
    fn salts_never_repeat_across_blocks() {
        // Holds: many blocks of salts contain no salt twice and no salt of zeros.
        let ids = RandomIds::new().unwrap();
        let salts: HashSet<_> = (0..10_000).map(|_| ids.salt()).collect();
        assert_eq!(salts.len(), 10_000);
        assert!(!salts.contains(&[0; 16]));
    }

    #[test]
    fn a_forked_process_does_not_repeat_its_parent() {
        // Holds: the bytes that a fork copied are not given out in the child.
        let ids = RandomIds::new().unwrap();
        let upcoming = ids.with(|state| state.block[16..32].to_vec());
        ids.salt();
        ids.with(|state| state.process = state.process.wrapping_add(1));
        assert_ne!(ids.salt().to_vec(), upcoming);
    }
}
