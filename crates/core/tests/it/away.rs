//! Somebody who is away for a while, and many who dial.

use std::time::Duration;

use hopline_core::{Backoff, Cause, Dealer, DealerEvent, DealerOptions, Router, RouterOptions};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::rig::{Rig, Via, soon};

const DIALLERS: usize = 50;
/// For how long nobody is there.
const AWAY: Duration = Duration::from_secs(3);
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(20), most: Duration::from_millis(500), jitter: 0.25 };

/// How often one may have dialled in a time: no wait is shorter than jitter makes it, and the first dial waits for
/// nothing.
fn dials_at_most(time: Duration) -> usize {
    let (mut dials, mut wait, mut last) = (1, BACKOFF.first, Duration::ZERO);
    loop {
        last += wait.mul_f64(1.0 - BACKOFF.jitter);
        if last > time {
            return dials;
        }
        dials += 1;
        wait = (wait * 2).min(BACKOFF.most);
    }
}

/// The waits that a dealer is told of until `deadline`.
async fn waits(mut dealer: Dealer, deadline: Instant) -> (Dealer, Vec<Duration>) {
    let mut waits = Vec::new();
    while let Ok(event) = timeout_at(deadline, dealer.recv_event()).await {
        let DealerEvent::Retrying { attempt, delay, cause } = event else {
            panic!("nobody is there: {event:?}");
        };
        assert!(matches!(cause, Cause::ConnectFailed(_)), "{cause}");
        waits.push(delay);
        assert_eq!(attempt as usize, waits.len(), "none is left out");
    }
    (dealer, waits)
}

/// Scenario 35: fifty dial somebody who is away. Each dials more and more rarely, and no more often than the back-off
/// allows; they fall out of step; and when that one is back, each connects once, within the longest wait and a bit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_35_many_who_dial_somebody_who_is_away_back_off_and_all_come_when_it_is_back() {
    let Rig { router, endpoint, dir } = Rig::new(Via::Tcp).await;
    router.shutdown().await;
    let runtime_dir = Some(dir.path().to_owned());
    let started = Instant::now();
    let mut away = JoinSet::new();
    for _ in 0..DIALLERS {
        let runtime_dir = runtime_dir.clone();
        let options = DealerOptions { backoff: BACKOFF, runtime_dir, ..DealerOptions::default() };
        let dealer = Dealer::connect(&endpoint, options).expect("connect");
        away.spawn(waits(dealer, started + AWAY));
    }
    let (dealers, waits): (Vec<_>, Vec<_>) = away.join_all().await.into_iter().unzip();

    let most = dials_at_most(started.elapsed());
    let each: Vec<usize> = waits.iter().map(Vec::len).collect();
    assert!(each.iter().all(|dials| (5..=most).contains(dials)), "{each:?}, {most} at most");
    // When each would dial for the next time, by its own waits alone.
    let common = each.iter().copied().min().expect("there are some");
    let mut next: Vec<Duration> = waits.iter().map(|it| it[..common].iter().sum()).collect();
    next.sort_unstable();
    let within = |from: &Duration| {
        next.iter().filter(|it| (*from..*from + Duration::from_millis(100)).contains(it)).count()
    };
    let in_step = next.iter().map(within).max().expect("there are some");
    assert!(in_step <= DIALLERS * 3 / 4, "{in_step} of {DIALLERS} in a tenth of a second");

    let mut router =
        Router::bind(&endpoint, RouterOptions { runtime_dir, ..RouterOptions::default() })
            .await
            .expect("bind again");
    let back = Instant::now();
    let mut coming = JoinSet::new();
    for mut dealer in dealers {
        coming.spawn(async move {
            while !matches!(soon(dealer.recv_event()).await, DealerEvent::Up) {}
            dealer
        });
    }
    let dealers = coming.join_all().await;
    let took = back.elapsed();
    assert!(took < BACKOFF.most + Duration::from_secs(2), "{took:?}");
    for dealer in &dealers {
        dealer.send_msg("here").await.expect("sent");
    }
    for _ in 0..DIALLERS {
        soon(router.recv()).await;
    }
    assert_eq!(router.counts().accepted, DIALLERS as u64);
}
