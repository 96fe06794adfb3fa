//! `hopline demo`

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hopline::mesh::client::{Client, Incoming};
use hopline::mesh::wire::control::{Answer as Said, Request};
use hopline::topo::drawing::{Marks, tree};
use hopline::topo::launch::{Found, Homes, Report, Running};
use hopline::topo::{Plan, load};
use tokio::sync::oneshot;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{Answer, route, up};
use crate::attach::{PATIENCE, attach};
use crate::trouble::Bad;
use crate::way::arrows;
use crate::{names, output};

/// The topology that the demo shows; its ports are taken out, so that it runs beside anything.
const REGIONS: &str = include_str!("../../../../topologies/regions.toml");

/// See the whole story in a few seconds: start a mesh, send a message, break a link
///
/// Everything is temporary and on free ports; it ends by itself.
#[derive(Debug, Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let home = tempfile::tempdir().context("there is no place for a temporary directory")?;
        let file = home.path().join("regions.toml");
        std::fs::write(&file, with_free_ports(REGIONS))?;
        let file = names::absolute(&file)?;
        let homes = Homes { state: home.path().join("state"), ..names::homes()? };
        tell_of_the_file(&file)?;

        let started = Instant::now();
        let plan = Plan::new(&load(&file)?.topology);
        let stop = CancellationToken::new();
        let (whole, is_whole) = oneshot::channel();
        let mut whole = Some(whole);
        let launch = up::launch(file.clone(), plan.clone(), homes.clone(), None)?;
        let mesh = up::watch_over(launch, stop.clone(), move |report| {
            let outcome = match report {
                Report::Whole { .. } => Ok(()),
                Report::NotWhole { .. } => Err(Bad::new(report.to_string())),
                _ => return,
            };
            if let Some(whole) = whole.take() {
                // Nobody listens only where the story is over.
                let _ = whole.send(outcome);
            }
        });
        let story = async {
            // Why it does not come to be whole is the mesh's to say, which ends then.
            match is_whole.await {
                Ok(outcome) => outcome?,
                Err(_) => std::future::pending().await,
            }
            tell_of_the_mesh(&homes, &file, &plan, started).await
        };
        let mut mesh = std::pin::pin!(mesh);
        let told = tokio::select! {
            ran = &mut mesh => {
                ran?;
                return Err(Bad::new("interrupted").into());
            }
            told = story => told,
        };
        stop.cancel();
        mesh.await?;
        told?;
        output::data(END)?;
        Ok(Answer::Yes)
    }
}

const END: &str = "
6. Everything is stopped again. Now with a file of your own, or with topologies/regions.toml:

     hopline check FILE              every mistake, each with what to do about it
     hopline up --detach FILE        start all nodes; `hopline down FILE` stops them
     hopline status FILE             what runs, beside what was planned
     hopline trace FILE alice bob    the way that a message takes now
";

fn tell_of_the_file(file: &Path) -> anyhow::Result<()> {
    let topology = load(file)?.topology;
    let drawing = indent(&tree(&topology, &Marks::default()));
    output::data(&format!(
        "1. A mesh is a file: nodes, who dials whom, and which clients are expected where.\n\n\
         {drawing}\n"
    ))
}

async fn tell_of_the_mesh(
    homes: &Homes,
    file: &Path,
    plan: &Plan,
    started: Instant,
) -> anyhow::Result<()> {
    let Found::Running(running) = Running::find(homes, file)? else {
        anyhow::bail!("the mesh is up and cannot be found");
    };
    let mut text =
        "2. `hopline up` starts a process for each node, here on free ports.\n\n".to_owned();
    for (node, record) in &running.processes {
        let pid = record.process.as_ref().map_or(0, |process| process.pid);
        let endpoint = record.endpoint.as_ref().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("     {node:<5} process {pid:<8} {endpoint}\n"));
    }
    let taken = started.elapsed().as_millis();
    text.push_str(&format!(
        "\n   All links are up, and all nodes know all routes, after {taken} ms.\n"
    ));
    output::data(&text)?;

    let east = names::node(plan, "east")?;
    let west = names::node(plan, "west")?;
    let mut alice = attach(&running, &east, Some("alice"), PATIENCE).await?;
    let mut bob = attach(&running, &west, Some("bob"), PATIENCE).await?;
    wait_until_known(&alice, "bob").await?;
    alice.send("bob", "good morning").await?;
    let message = timeout(PATIENCE, bob.recv()).await.context("nothing came to bob")??.message()?;
    let payload = message.payload.first().map(|frame| String::from_utf8_lossy(frame));
    output::data(&format!(
        "\n3. alice attaches at east, bob at west, and alice sends to bob. Each node that handles the\n   \
         message stamps it, so bob knows the way that it took:\n\n     \
         bob received {:?} from {}\n     path: {}\n",
        payload.unwrap_or_default(),
        message.source,
        arrows(&message.nodes()),
    ))?;

    alice.send("carol", "are you there?").await?;
    let incoming = timeout(PATIENCE, alice.recv()).await.context("nobody answered for carol")??;
    let Incoming::Failed(failure) = incoming else {
        anyhow::bail!("somebody is called carol");
    };
    output::data(&format!(
        "\n4. Nothing vanishes. alice sends to carol, whom nobody knows, and is told why and by whom:\n\n     \
         not delivered to {}: {}, says node {}\n",
        failure.destination, failure.reason, failure.node,
    ))?;

    let down = "top--west";
    let way = route::way(plan, "alice", "bob", &[])?;
    let without = route::way(plan, "alice", "bob", &[down.to_owned()])?;
    output::data(&format!(
        "\n5. And if a link broke? The file alone can tell, by the same rules that the nodes use:\n\n     \
         $ hopline route regions.toml alice bob\n     {}\n     \
         $ hopline route regions.toml alice bob --down {down}\n     {}\n",
        way.text(),
        without.text(),
    ))?;
    alice.shutdown().await;
    bob.shutdown().await;
    Ok(())
}

/// Waits until the node of `client` knows where `name` is.
async fn wait_until_known(client: &Client, name: &str) -> anyhow::Result<()> {
    let node = client.node().context("alice is attached nowhere")?;
    let mut again = interval(Duration::from_millis(5));
    let known = async {
        loop {
            again.tick().await;
            let request = Request::Locate { name: name.to_owned() };
            let said = client.ask(node.as_str(), request, PATIENCE).await?;
            if matches!(said, Said::Located { nodes } if !nodes.is_empty()) {
                return anyhow::Ok(());
            }
        }
    };
    timeout(PATIENCE, known).await.with_context(|| format!("{name} does not come to be known"))?
}

fn with_free_ports(text: &str) -> String {
    let lines = text.lines().map(|line| match line.starts_with("bind") {
        true => "bind = \"auto\"\n".to_owned(),
        false => format!("{line}\n"),
    });
    lines.collect()
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
