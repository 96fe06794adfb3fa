//! File descriptors: as many as the system allows, and none for strangers when few are left.
//!
//! A connection takes three: its own, and both ends of its private one. The last few of a process are
//! left to what is not a stranger's: dialling, files, and the transport, which spins without any.

use std::fs;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What one connection takes.
const EACH: u64 = 3;
/// What is left to the rest of the process.
const LEFT: u64 = 32;
/// What macOS allows at most where it says that there is no limit.
const MACOS_MOST: u64 = 10_240;
/// Counting takes time, so it is done again only after this long,
const COUNT_AFTER: Duration = Duration::from_millis(100);
/// or after so many descriptors more.
const COUNT_BEHIND: u64 = 64;

/// The descriptors of this process, whichever sockets use them.
static BUDGET: Mutex<Budget> = Mutex::new(Budget { limit: 0, used: 0, since: 0, counted: None });

/// Raises this process's limit of open file descriptors as far as the system lets it, and says how many
/// there may be.
///
/// A router takes three for each connection, so a program that expects more than some 300 at the usual
/// limit of 1,024 calls this once, before it makes sockets. A library should leave it to the program.
///
/// # Errors
/// What the system says if it refuses.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.is_none_or(|current| current >= most) {
        return Ok(limit.current.unwrap_or(u64::MAX));
    }
    let raised = |to| setrlimit(Resource::Nofile, Rlimit { current: to, ..limit });
    match raised(limit.maximum) {
        Ok(()) => Ok(most),
        Err(_) if limit.current.is_some_and(|current| current < MACOS_MOST) => {
            raised(Some(MACOS_MOST))?;
            Ok(MACOS_MOST)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether there are descriptors for one connection more, its own being taken already.
pub(super) fn suffice() -> bool {
    let mut budget = BUDGET.lock().unwrap_or_else(PoisonError::into_inner);
    budget.take(now(), || Some((limit(), open()?)))
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many this process has open, where that can be known.
fn open() -> Option<u64> {
    // Newer Linux says it at once.
    let size = fs::metadata("/proc/self/fd").map_or(0, |folder| folder.len());
    match size {
        0 => Some(fs::read_dir("/dev/fd").ok()?.count() as u64),
        size => Some(size),
    }
}

/// How many descriptors are in use at most.
#[derive(Debug)]
struct Budget {
    limit: u64,
    /// When they were counted last, and what connections took since.
    used: u64,
    since: u64,
    counted: Option<Instant>,
}

impl Budget {
    /// Takes what one connection needs. What was given back meanwhile is seen when it is counted again.
    fn take(&mut self, now: Instant, count: impl FnOnce() -> Option<(u64, u64)>) -> bool {
        let is_due = self.counted.is_none_or(|then| {
            now.saturating_duration_since(then) >= COUNT_AFTER || self.since >= COUNT_BEHIND
        });
        if is_due && (self.counted.is_none() || !self.has_some()) {
            let Some((limit, used)) = count() else {
                return true;
            };
            *self = Self { limit, used, since: 0, counted: Some(now) };
        }
        if !self.has_some() {
            return false;
        }
        self.since += EACH;
        true
    }

    fn has_some(&self) -> bool {
        self.used.saturating_add(self.since + EACH + LEFT) <= self.limit
    }
}

#[expect(clippy::disallowed_methods, reason = "the gate is the rim: it paces its counting")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_last_descriptors_are_left_and_counting_is_paced() {
        let mut budget = Budget { limit: 0, used: 0, since: 0, counted: None };
        let (counts, used, start) = (Cell::new(0), Cell::new(1_000_u64), now());
        let mut take = |after: Duration| {
            budget.take(start + after, || {
                counts.set(counts.get() + 1);
                Some((1_050, used.get()))
            })
        };
        for _ in 0..6 {
            assert!(take(Duration::ZERO));
        }
        for _ in 0..1_000 {
            assert!(!take(Duration::from_millis(99)), "32 are left");
        }
        assert_eq!(counts.get(), 1);
        used.set(900);
        assert!(take(COUNT_AFTER), "some were given back");
        for _ in 0..22 {
            take(COUNT_AFTER);
        }
        assert_eq!(counts.get(), 2);
        used.set(1_049);
        assert!((0..100).any(|_| !take(COUNT_AFTER)));
        assert_eq!(counts.get(), 3, "it took many, so it counted again");
    }

    #[test]
    fn what_is_open_can_be_counted() {
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").expect("a file")).collect();
        assert!(open().expect("countable") >= files.len() as u64);
    }
}
