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
        self.is_ctrl_c().await;
    }

    /// Waits until whoever told this process to end does not want to wait for that: presses Ctrl-C once more.
    pub(in crate::commands) async fn insisted(&mut self) {
        self.recv().await;
        while !self.is_ctrl_c().await {}
    }

    /// Waits for the next of them, and says whether it is Ctrl-C.
    pub(in crate::commands) async fn is_ctrl_c(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => false,
            _ = self.hangup.recv() => false,
        }
    }
}
