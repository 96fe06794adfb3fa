//! Waiting for a condition, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::MeshError;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// How long anything that a test waits for may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks at a condition until it holds or [`PATIENCE`] is over; says whether it held.
pub(super) async fn until(
    mut holds: impl AsyncFnMut() -> Result<bool, MeshError>,
) -> Result<bool, MeshError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match timeout_at(deadline, holds()).await {
            Ok(Ok(false)) => sleep(PAUSE).await,
            Ok(done) => return done,
            Err(_) => return Ok(false),
        }
    }
}
