//! The same test for many seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a test for the seeds 0 to `count`, and names the seed with which it fails.
///
/// # Panics
/// Where the test does, for one of the seeds.
pub fn for_each_seed(count: u64, test: impl Fn(u64)) {
    for seed in 0..count {
        if let Err(cause) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            let text = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied());
            panic!("with seed {seed}: {}", text.unwrap_or("the test panicked"));
        }
    }
}
