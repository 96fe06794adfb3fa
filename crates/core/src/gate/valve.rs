//! Whether a stranger is read: its owner may pause it, so that the stranger waits and not its messages.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Lets one reader read, or wait.
#[derive(Debug, Default)]
pub(crate) struct Valve {
    shut: AtomicBool,
    opened: Notify,
}

impl Valve {
    /// Has the reader wait from now on, or read again.
    pub(crate) fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::Release);
        if !shut {
            self.opened.notify_one();
        }
    }

    /// Waits until there is reading to be done. For one reader.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn open(&self) {
        while self.shut.load(Ordering::Acquire) {
            self.opened.notified().await;
        }
    }
}
