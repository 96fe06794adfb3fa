//! The keeper of one node: starts its process, hears what it says, and starts it again when it ends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::error::{Failure, LaunchError};
use super::farewell::farewell;
use super::place::Place;
use super::process::Identity;
use super::share::Share;
use super::silence::awake_for;
use super::words::{self, FromNode, Setup, ToNode};
use super::{incarnation, store};

/// glibc's allocator keeps, for ever, memory that large messages once took, because it raises the size
/// from which it gives memory back (mallopt(3), `M_MMAP_THRESHOLD`). This fixes that size; other
/// allocators do not look at it.
const MMAP_THRESHOLD: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "262144");

/// How often a node is asked whether it lives.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// A node that has said nothing for so long, though asked, hangs.
const SILENCE: Duration = Duration::from_secs(10);

/// What all nodes of a mesh are told, as it is now.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    /// Where each node listens, as far as it is known, and the number of the process that does.
    pub(super) addresses: Arc<BTreeMap<NodeName, (Endpoint, Option<u32>)>>,
    /// Goes up by one each time the nodes are asked for their status.
    pub(super) asked: u64,
}

/// What one node is to go by.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The number of the change that it comes with.
    pub(super) number: u64,
    pub(super) share: Arc<Share>,
    pub(super) step: Step,
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The node is asked whether it can go by it.
    Prepare,
    /// The node goes by it.
    Switch,
    /// The node is started again to go by it.
    Restart,
}

/// What a keeper tells of its node.
#[derive(Debug)]
pub(super) enum News {
    /// Its process runs.
    Started(Identity),
    /// It listens.
    Ready(Endpoint),
    /// What it is and knows.
    Status(Box<NodeStatus>),
    /// It can go by the change of this number, but for what only a restart brings about.
    Prepared(u64, Vec<String>),
    /// It goes by the change of this number.
    Switched(u64),
    /// It said why it cannot start; its end follows.
    Failed(Failure),
    /// Its process has ended because it was told to, and is started again at once.
    Again,
    /// Its process has ended because it was told to, and is not started again.
    Gone,
    /// Its process could not be started, or has ended; it is started again after this time.
    Ended(String, Duration),
}

/// The keeper of one node.
pub(super) struct Keeper {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<std::ffi::OsString>,
    pub(super) place: Place,
    /// What the node starts with; the number of the run and the last endpoint are set at each start.
    pub(super) setup: Setup,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) task: watch::Receiver<Task>,
    /// The number of the change that the node started with.
    pub(super) since: u64,
    pub(super) stop: CancellationToken,
    /// It is killed if it has not left yet.
    pub(super) at_once: CancellationToken,
    pub(super) news: mpsc::Sender<(NodeName, News)>,
}

/// How a node's process came to its end.
enum End {
    /// It was told to end, for good.
    Told,
    /// It was told to end and is to start again.
    Again,
    /// By itself, as these words say, having listened or not.
    Itself(String, bool),
}

/// What a node has said that outlives its process.
struct Heard {
    /// Where it listens.
    endpoint: Option<Endpoint>,
    /// The number of the change that it goes by.
    since: u64,
}

/// A node's process and the pipes to it.
struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Keeper {
    /// Keeps the node running until `stop` is cancelled; then lets it leave, and ends it if it does not.
    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::new();
        while !self.stop.is_cancelled() {
            let started = Instant::now();
            let end = match self.start().await {
                Ok(process) => self.attend(process).await,
                Err(error) => End::Itself(with_cause(&error), false),
            };
            let (end, listened) = match end {
                End::Told => break,
                End::Again => {
                    self.tell(News::Again).await;
                    continue;
                }
                End::Itself(end, listened) => (end, listened),
            };
            let wait = backoff.after(started.elapsed(), listened);
            self.tell(News::Ended(end, wait)).await;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                // It may do better with another plan.
                () = told(self.task.clone(), self.since, &[Step::Switch, Step::Restart]) => {}
                () = sleep(wait) => {}
            }
        }
        self.tell(News::Gone).await;
    }

    async fn start(&mut self) -> Result<Process, LaunchError> {
        let task = self.task.borrow_and_update().clone();
        if task.step != Step::Prepare {
            self.setup.share = task.share.as_ref().clone();
            self.since = task.number;
        }
        let node = self.setup.share.plan.name.clone();
        let now = unix_millis();
        let next = incarnation::next_aside(&self.place, &node, now).await;
        // The time alone does, save where the clock was set back.
        self.setup.incarnation = next.unwrap_or_else(|error| {
            tracing::error!(%node, %error, "the number of the run is not kept");
            now.max(self.setup.incarnation + 1)
        });
        let log = store::open_log(&self.place.log(&node))?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(node.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // What a terminal sends to the supervisor's group is for the supervisor alone.
            .process_group(0)
            .kill_on_drop(true);
        if std::env::var_os(MMAP_THRESHOLD.0).is_none() {
            command.env(MMAP_THRESHOLD.0, MMAP_THRESHOLD.1);
        }
        let spawned = command.spawn();
        let mut child = spawned.map_err(store::state(&self.program, "started"))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            let lost = std::io::Error::other("its pipes are missing");
            return Err(store::state(&self.program, "started")(lost));
        };
        if let Some(pid) = child.id() {
            self.tell(News::Started(Identity::of(pid).await)).await;
        }
        let lines = BufReader::new(stdout).lines();
        Ok(Process { child, stdin, lines })
    }

    /// Talks with the node until its process ends, and says how.
    async fn attend(&mut self, process: Process) -> End {
        let Process { mut child, stdin, mut lines } = process;
        let stop = self.stop.clone();
        let since = self.since;
        let (mut hangs, mut heard) = (false, Heard { endpoint: None, since });
        let told = {
            let name = self.setup.share.plan.name.clone();
            let news = self.news.clone();
            let orders = (self.orders.clone(), self.task.clone());
            tokio::select! {
                biased;
                () = stop.cancelled() => Some(End::Told),
                () = told(self.task.clone(), since, &[Step::Restart]) => Some(End::Again),
                is_silent = hear_out(&name, &mut lines, &news, &mut heard) => {
                    hangs = is_silent;
                    None
                }
                never = tell_all(&self.setup, stdin, orders, since) => match never {},
            }
        };
        // The node's stdin is closed by now, and it has closed its stdout or is told to end.
        if hangs {
            // It may not even notice that its stdin is closed.
            let _ = child.start_kill();
        }
        let ended = match farewell(&mut child, &mut lines, &self.at_once).await {
            Some(_) if hangs => {
                format!("did not answer for {} s and was killed", SILENCE.as_secs())
            }
            Some(ended) => describe(ended),
            None => {
                tracing::warn!(node = %self.setup.share.plan.name, "does not end: killed");
                "did not end and was killed".to_owned()
            }
        };
        self.since = heard.since;
        let listened = heard.endpoint.is_some();
        if listened {
            self.setup.previous = heard.endpoint;
        }
        told.unwrap_or(End::Itself(ended, listened))
    }

    async fn tell(&self, news: News) {
        // A supervisor that does not listen any more is about to end everything.
        let _ = self.news.send((self.setup.share.plan.name.clone(), news)).await;
    }
}

/// Ready when a change later than `since` is as far as one of these.
async fn told(mut task: watch::Receiver<Task>, since: u64, steps: &[Step]) {
    let is_there = |task: &Task| steps.contains(&task.step) && task.number > since;
    if task.wait_for(is_there).await.is_err() {
        std::future::pending().await
    }
}

/// Passes on what a node says until it says no more, and notes what matters after its end. Once it listens it goes by
/// what it started with. Says whether it hangs: it has not ended, and is silent.
async fn hear_out(
    name: &NodeName,
    lines: &mut Lines<BufReader<ChildStdout>>,
    news: &mpsc::Sender<(NodeName, News)>,
    heard: &mut Heard,
) -> bool {
    loop {
        let line = tokio::select! {
            biased;
            line = lines.next_line() => line,
            () = awake_for(SILENCE) => return true,
        };
        let Ok(Some(line)) = line else { return false };
        let told = match words::word(&line) {
            Ok(FromNode::Ready { endpoint }) => {
                heard.endpoint = Some(endpoint.clone());
                if news.send((name.clone(), News::Switched(heard.since))).await.is_err() {
                    return false;
                }
                News::Ready(endpoint)
            }
            Ok(FromNode::Status(status)) => News::Status(status),
            Ok(FromNode::Prepared { number, restart }) => News::Prepared(number, restart),
            Ok(FromNode::Switched { number }) => {
                heard.since = number;
                News::Switched(number)
            }
            Ok(FromNode::Failed(failure)) => News::Failed(failure),
            Ok(FromNode::Leaving {}) => continue,
            Err(error) => {
                tracing::warn!(node = %name, %error, "says what is no word");
                continue;
            }
        };
        if news.send((name.clone(), told)).await.is_err() {
            return false;
        }
    }
}

/// Tells a node what it starts with, and then every change. It never comes to an end: that of the node
/// is told by what it says.
async fn tell_all(
    setup: &Setup,
    mut stdin: ChildStdin,
    (orders, task): (watch::Receiver<Orders>, watch::Receiver<Task>),
    since: u64,
) -> Infallible {
    // What goes wrong here goes wrong because the process has ended.
    let _ = keep_telling(setup, &mut stdin, orders, task, since).await;
    std::future::pending().await
}

async fn keep_telling(
    setup: &Setup,
    stdin: &mut ChildStdin,
    mut orders: watch::Receiver<Orders>,
    mut task: watch::Receiver<Task>,
    since: u64,
) -> Option<Infallible> {
    let (mut prepared, mut switched) = (since, since);
    let mut plan = setup.share.plan.clone();
    write(stdin, &ToNode::Setup(Box::new(setup.clone()))).await?;
    let mut asked = orders.borrow().asked;
    let mut told = BTreeMap::new();
    // Its own time, whatever else happens meanwhile: who is not asked does not answer, and is taken to hang.
    let mut ask = interval_at(Instant::now() + ASK_EVERY, ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Task { number, share, step } = task.borrow_and_update().clone();
        if number > prepared {
            prepared = number;
            let share = Box::new(share.as_ref().clone());
            write(stdin, &ToNode::Prepare { number, share }).await?;
        }
        if step == Step::Switch && number > switched {
            switched = number;
            plan = share.plan.clone();
            write(stdin, &ToNode::Switch { number }).await?;
        }
        let now = orders.borrow_and_update().clone();
        let mine = plan.dials.iter().map(|dial| &dial.node);
        let addresses: BTreeMap<_, _> = mine
            .filter_map(|node| Some((node.clone(), now.addresses.get(node)?.clone())))
            .collect();
        if addresses != told {
            let changed = |(node, at): &(&NodeName, _)| told.get(*node) != Some(*at);
            let changed = addresses.iter().filter(changed);
            let changed = changed.map(|(node, (endpoint, _))| (node.clone(), endpoint.clone()));
            write(stdin, &ToNode::Addresses(changed.collect())).await?;
            told = addresses;
        }
        if now.asked != asked {
            asked = now.asked;
            write(stdin, &ToNode::Ask {}).await?;
        }
        tokio::select! {
            biased;
            // A node that lives has something to say.
            _ = ask.tick() => write(stdin, &ToNode::Ask {}).await?,
            changed = task.changed() => changed.ok()?,
            changed = orders.changed() => changed.ok()?,
        }
    }
}

async fn write(stdin: &mut ChildStdin, word: &ToNode) -> Option<()> {
    stdin.write_all(&words::line(word).ok()?).await.ok()
}

#[expect(clippy::disallowed_methods, reason = "the number of a run is the time of its start")]
pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn with_cause(error: &LaunchError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// How a process ended, in words.
fn describe(status: std::io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        },
        Err(error) => format!("was lost sight of: {error}"),
    }
}
