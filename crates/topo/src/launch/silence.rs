//! How long somebody has said nothing, where the one who listens may have been asleep.

use std::time::Duration;

use tokio::time::sleep;

/// How long this process waits at a time.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until this process has been awake for so long. Where it stands still meanwhile (Ctrl-Z, SIGSTOP, a machine that is
/// suspended), nobody else is to blame for what it has not heard: that counts as one look.
///
/// # Cancel safety
/// What it has waited is forgotten.
pub(super) async fn awake_for(time: Duration) {
    let mut left = time;
    while !left.is_zero() {
        let look = left.min(LOOK);
        sleep(look).await;
        left -= look;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::{Instant, advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_asleep_counts_as_one_look() {
        let started = Instant::now();
        awake_for(Duration::from_millis(9_500)).await;
        assert_eq!(started.elapsed(), Duration::from_millis(9_500));

        let mut waits = pin!(awake_for(Duration::from_secs(10)));
        assert!(timeout(Duration::from_millis(500), waits.as_mut()).await.is_err());
        advance(Duration::from_secs(60)).await;
        let awake = Instant::now();
        waits.await;
        assert_eq!(awake.elapsed(), Duration::from_secs(9));
    }
}
