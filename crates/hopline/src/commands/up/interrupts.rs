//! Signals by which this process is told to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals by which a process is told to end.
#[derive(Debug)]
pub(in crate::commands) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// From now on, signals to end do not end the process by themselves.
pub(in crate::commands) fn interrupted() -> anyhow::Result<Interrupts> {
    Ok(Interrupts {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hangup: signal(SignalKind::hangup())?,
    })
}

impl Interrupts {
    /// Waits for the next of them.
    pub(in crate::commands) async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
