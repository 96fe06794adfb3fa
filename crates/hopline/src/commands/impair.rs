//! `hopline impair`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::brain::Impairment;
use hopline::mesh::name::{LinkName, NodeName};
use hopline::mesh::wire::control::{Answer as Said, LinkStatus, Request};
use hopline::topo::launch::Running;
use hopline::topo::{Offline, rate};
use serde::{Serialize, Serializer};
use tokio::time::interval;

use super::{Answer, duration, patience};
use crate::attach::{ask, running};
use crate::deadline::Deadline;
use crate::trouble::{Bad, describe};
use crate::{names, output};

/// How long it is waited for a healed link to come up,
const HEALS: Duration = Duration::from_secs(3);
/// and how often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Make a link of the running mesh slow, lossy or cut, or show what it suffers
///
/// Both ends are told, and each impairs what it sends. What is given is all that the link suffers from
/// then on; with nothing given, what it suffers is shown. A node that is started again goes by the file.
#[derive(Debug, Args)]
pub(crate) struct Impair {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A link, by its two nodes: `a--b`
    link: String,
    /// How long everything is held back, one way: `20ms`
    #[arg(long, value_name = "TIME", value_parser = delay)]
    latency: Option<Duration>,
    /// By how much more or less at most: `5ms`
    #[arg(long, value_name = "TIME", value_parser = delay)]
    jitter: Option<Duration>,
    /// The share of messages that is lost: `0.01`, `1%`
    #[arg(long, value_name = "SHARE", value_parser = share)]
    loss: Option<u32>,
    /// How much passes in a second, one way: `1MB/s`, `64kB/s`, `1Mbit/s`
    #[arg(long, value_name = "RATE", value_parser = bytes_per_second)]
    rate: Option<u64>,
    /// Which messages are lost, and how jitter falls: the same number, the same losses [default: 0]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Take the link down until it is healed
    #[arg(long, conflicts_with = "heal")]
    cut: bool,
    /// Let the link come up again
    #[arg(long)]
    heal: bool,
    /// Take latency, jitter, loss and rate away
    #[arg(long, conflicts_with_all = ["latency", "jitter", "loss", "rate", "seed"])]
    clear: bool,
    /// How long each end may take to answer
    #[arg(long, default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a link suffers. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct LinkReport {
    link: LinkName,
    /// Each end with what it makes the link suffer on the way to the other.
    ends: Vec<EndReport>,
}

#[derive(Serialize)]
struct EndReport {
    node: NodeName,
    neighbour: NodeName,
    up: bool,
    cut: bool,
    #[serde(serialize_with = "for_programs")]
    impairment: Impairment,
    #[serde(skip)]
    text: String,
}

/// What one end makes a link suffer.
#[derive(Serialize)]
struct ImpairmentReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Impair {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let is_by_chance = self.loss.is_some() || self.jitter.is_some();
        if self.seed.is_some() && !is_by_chance {
            let bad = Bad::new("`--seed` without `--loss` or `--jitter` changes nothing");
            return Err(bad
                .help("give the whole impairment: what is left out is taken away")
                .into());
        }
        let running = running(&self.file)?;
        let link = names::link(&running.plan, &Offline::new(&running.plan), &self.link)?;
        for order in self.orders() {
            tell(&running, &link, order, self.timeout).await?;
        }
        let deadline = Deadline::within(self.timeout.min(HEALS));
        let mut report = self.report(&running, &link).await?;
        let mut look = interval(LOOK);
        while self.heal && report.ends.iter().any(|end| !end.up) && !deadline.left().is_zero() {
            look.tick().await;
            report = self.report(&running, &link).await?;
        }
        match self.json {
            true => output::json(&report)?,
            false => output::data(&report.text())?,
        }
        Ok(Answer::Yes)
    }

    /// What both ends say of the link.
    async fn report(&self, running: &Running, link: &LinkName) -> anyhow::Result<LinkReport> {
        let mut ends = Vec::new();
        for (node, neighbour) in ends_of(link) {
            let status = status(running, node, neighbour, self.timeout).await?;
            ends.push(EndReport::new(node, neighbour, &status, self.heal));
        }
        Ok(LinkReport { link: link.clone(), ends })
    }

    /// What each end is told, of its neighbour, in this order.
    fn orders(&self) -> Vec<Box<dyn Fn(NodeName) -> Request>> {
        let impairment = Impairment {
            latency: self.latency,
            jitter: self.jitter,
            loss_ppm: self.loss,
            bytes_per_second: self.rate,
            seed: self.seed,
        };
        let mut orders: Vec<Box<dyn Fn(NodeName) -> Request>> = Vec::new();
        if self.clear || !impairment.is_none() {
            orders.push(Box::new(move |neighbour| Request::Impair { neighbour, impairment }));
        }
        if self.cut {
            orders.push(Box::new(|neighbour| Request::Cut { neighbour }));
        }
        if self.heal {
            orders.push(Box::new(|neighbour| Request::Heal { neighbour }));
        }
        orders
    }
}

/// Tells both ends of a link something; the second also where the first does not take it.
async fn tell(
    running: &Running,
    link: &LinkName,
    order: impl Fn(NodeName) -> Request,
    patience: Duration,
) -> anyhow::Result<()> {
    let (mut told, mut failures) = (Vec::new(), Vec::new());
    let mut ends = ends_of(link);
    // Who dials is told last: a link that is healed at one end only would be refused by the other, and wait.
    ends.sort_by_key(|(node, neighbour)| {
        let plan = running.plan.nodes.get(*node);
        plan.is_some_and(|plan| plan.dials.iter().any(|dial| dial.node == **neighbour))
    });
    for (node, neighbour) in ends {
        let deadline = Deadline::within(patience);
        match ask(running, node, order(neighbour.clone()), deadline).await {
            Ok(_) => told.push(node),
            Err(error) => failures.push(error),
        }
    }
    let why: Vec<String> = failures.iter().map(|error| describe(error).0).collect();
    let why = why.join("; ");
    match (told.as_slice(), why.is_empty()) {
        (_, true) => Ok(()),
        ([], false) => Err(Bad::new(format!("neither end of {link} was told: {why}")).into()),
        ([node, ..], false) => {
            let bad = Bad::new(format!("only one end of {link} was told, `{node}`: {why}"));
            Err(bad.help("say it again once both ends are up; it can be said twice").into())
        }
    }
}

/// What a node says of its link to a neighbour.
async fn status(
    running: &Running,
    node: &NodeName,
    neighbour: &NodeName,
    patience: Duration,
) -> anyhow::Result<LinkStatus> {
    let none = || Bad::new(format!("node `{node}` knows of no link to `{neighbour}`"));
    let deadline = Deadline::within(patience);
    let Said::Status(status) = ask(running, node, Request::Status {}, deadline).await? else {
        return Err(none().into());
    };
    let mut links = status.links.into_iter();
    Ok(links.find(|link| link.neighbour == *neighbour).ok_or_else(none)?)
}

fn ends_of(link: &LinkName) -> [(&NodeName, &NodeName); 2] {
    [(link.lesser(), link.greater()), (link.greater(), link.lesser())]
}

impl LinkReport {
    /// One line where both ends do the same, else one for each.
    fn text(&self) -> String {
        match self.ends.as_slice() {
            [one, other] if one.text == other.text => format!("{}: {}", self.link, one.text),
            ends => {
                let line =
                    |end: &EndReport| format!("{} -> {}: {}", end.node, end.neighbour, end.text);
                ends.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

impl EndReport {
    fn new(node: &NodeName, neighbour: &NodeName, status: &LinkStatus, healed: bool) -> Self {
        let suffers = match status.impairment.is_none() {
            true => "not impaired".to_owned(),
            false => status.impairment.to_string(),
        };
        let text = match (status.cut, status.up) {
            (true, _) => format!("cut, {suffers}"),
            (false, true) => suffers,
            (false, false) if healed => format!("healing, {suffers}"),
            (false, false) => format!("down, {suffers}"),
        };
        Self {
            node: node.clone(),
            neighbour: neighbour.clone(),
            up: status.up,
            cut: status.cut,
            impairment: status.impairment,
            text,
        }
    }
}

/// An impairment in the units of the command line.
pub(super) fn for_programs<S: Serializer>(
    impairment: &Impairment,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Impairment { latency, jitter, loss_ppm, bytes_per_second, seed } = *impairment;
    let ms = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1000.0);
    let loss = loss_ppm.map(|parts| f64::from(parts) / 1e6);
    let (latency_ms, jitter_ms) = (ms(latency), ms(jitter));
    ImpairmentReport { latency_ms, jitter_ms, loss, bytes_per_second, seed }.serialize(serializer)
}

/// Reads `20ms`, up to a day.
fn delay(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time <= Impairment::LONGEST => Ok(time),
        _ => Err("a link holds back for a day at most, `1440m`".to_owned()),
    }
}

/// Reads `0.01` and `1%`, in parts of a million.
fn share(text: &str) -> Result<u32, String> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.parse::<f64>() {
        Ok(number) if (0.0..=whole).contains(&number) => Ok((number / whole * 1e6).round() as u32),
        _ => Err("a share is from 0 to 1, or from 0% to 100%".to_owned()),
    }
}

/// Reads `1MB/s`.
fn bytes_per_second(text: &str) -> Result<u64, String> {
    match rate(text) {
        Ok(0) => Err("less than a byte in a second; `--cut` takes the link down".to_owned()),
        Ok(rate) => Ok(rate),
        Err(Some(meant)) => Err(format!("did you mean `{meant}`?")),
        Err(None) => Err("a rate is such as `64kB/s`, `10MB/s` or `1Mbit/s`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_fraction_or_in_per_cent() {
        assert_eq!((share("0.01"), share("1%")), (Ok(10_000), Ok(10_000)));
        assert_eq!((share("0"), share("1"), share("100%")), (Ok(0), Ok(1_000_000), Ok(1_000_000)));
        assert_eq!(share("0.5%"), Ok(5_000));
        for bad in ["", "%", "-1", "1.1", "101%", "nan", "inf", "5 %", "1%%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_and_rates_have_bounds() {
        assert_eq!(delay("1440m"), Ok(Impairment::LONGEST));
        assert!(delay("1441m").is_err() && delay("20").is_err());
        assert_eq!(bytes_per_second("1Mbit/s"), Ok(125_000));
        assert_eq!(bytes_per_second("10Mbps"), Err("did you mean `10Mbit/s`?".to_owned()));
        assert!(bytes_per_second("0MB/s").is_err() && bytes_per_second("fast").is_err());
    }
}
