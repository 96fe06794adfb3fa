//! The same test for many seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Names the one seed that [`for_each_seed`] is to run.
const ONE: &str = "HOPLINE_SIM_SEED";
/// Says how many times as many seeds it is to run.
const TIMES: &str = "HOPLINE_SIM_TIMES";

/// Runs a test for the seeds 0 to `count`. Where it fails, says with which seed, and how to run that again. Gives back
/// for how many it was run, for what is to hold of all of them together.
///
/// Where `HOPLINE_SIM_SEED` is set, the test is run for that seed alone; where `HOPLINE_SIM_TIMES` is, for that many times as
/// many seeds.
///
/// # Panics
/// Where the test does, for one of the seeds.
pub fn for_each_seed(count: u64, test: impl Fn(u64)) -> u64 {
    let seeds = match number(ONE) {
        Some(seed) => seed..seed.saturating_add(1),
        None => 0..count.saturating_mul(number(TIMES).unwrap_or(1)),
    };
    let ran = seeds.end - seeds.start;
    for seed in seeds {
        if let Err(cause) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            let text = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("the test panicked");
            panic!("with seed {seed}: {text}\nto see it again: {}", again(seed));
        }
    }
    ran
}

/// What the environment says under this name.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The command that runs the test of this thread with this seed.
fn again(seed: u64) -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "hopline-testkit".to_owned());
    let program = std::env::args().next().unwrap_or_default();
    let target = Path::new(&program).file_stem().unwrap_or_default().to_string_lossy();
    // Cargo puts a digest behind the target's name.
    let target = target.rsplit_once('-').map_or(&*target, |(target, _)| target);
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    format!("{ONE}={seed} cargo test -p {package} --test {target} {test}")
}

#[cfg(test)]
mod tests {
    use super::for_each_seed;

    #[test]
    fn a_failing_seed_says_how_to_see_it_again() {
        let failed = std::panic::catch_unwind(|| {
            for_each_seed(9, |seed| assert!(seed < 3, "three is too many"));
        });
        let cause = failed.expect_err("it fails");
        let text = cause.downcast_ref::<String>().expect("a text");
        assert!(text.starts_with("with seed 3: three is too many\n"), "{text}");
        assert!(text.contains("HOPLINE_SIM_SEED=3 cargo test -p hopline-testkit "), "{text}");
        assert!(text.ends_with("a_failing_seed_says_how_to_see_it_again"), "{text}");
    }
}
