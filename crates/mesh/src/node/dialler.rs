//! One neighbour that this node dials: the task that owns the DEALER and reports what it hears.

use hopline_core::{Dealer, DealerEvent, DealerLink, DealerSender, Endpoint};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::brain::ConnId;
use crate::name::NodeName;
use crate::node::trouble::Trouble;

/// What a dialled neighbour's task reports, with the number of the task.
pub(super) type Report = (u64, DealerEvent);

/// A neighbour that is being dialled.
#[derive(Debug)]
pub(super) struct Dialler {
    pub(super) neighbour: NodeName,
    pub(super) sender: DealerSender,
    /// The connection, while there is one.
    pub(super) conn: Option<ConnId>,
    pub(super) link: Option<DealerLink>,
    pub(super) trouble: Trouble,
    stop: CancellationToken,
}

impl Dialler {
    /// Gives the DEALER to a task of its own, which reports to `reports` as `number`.
    pub(super) fn start(
        neighbour: NodeName,
        endpoint: Endpoint,
        dealer: Dealer,
        number: u64,
        reports: mpsc::Sender<Report>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let stop = CancellationToken::new();
        let sender = dealer.sender();
        tasks.spawn(report(dealer, number, reports, stop.clone()));
        let trouble = Trouble::new(endpoint);
        Self { neighbour, sender, conn: None, link: None, trouble, stop }
    }
}

impl Drop for Dialler {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn report(
    mut dealer: Dealer,
    number: u64,
    reports: mpsc::Sender<Report>,
    stop: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            event = dealer.recv_event() => event,
        };
        let sent = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            sent = reports.send((number, event)) => sent,
        };
        if sent.is_err() {
            break;
        }
    }
    dealer.shutdown().await;
}
