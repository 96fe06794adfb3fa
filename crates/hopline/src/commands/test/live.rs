//! Tests on a running mesh.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use hopline::mesh::name::NodeName;
use hopline::mesh::route::Down;
use hopline::topo::Expect;
use hopline::topo::expect::{Actual, Broken, cost_of, judge};
use hopline::topo::survive::cases_of;

use super::mesh::Mesh;
use super::offline::verdict;
use super::report::{Stage, Tested, Verdict};
use crate::attach::running;
use crate::commands::up::{Interrupts, interrupted};
use crate::trouble::{Bad, describe};

/// The most cases of further failures that are tried for one expect: links are cut for each.
const MOST_CASES: usize = 200;

/// Tries each of `expects` on the running mesh of `file`. What was cut is healed whatever happens, also
/// when the user interrupts.
pub(super) async fn tests(file: &Path, expects: &[Expect], patience: Duration) -> Vec<Tested> {
    let name = file.display().to_string();
    if expects.is_empty() {
        return Vec::new();
    }
    let taken = running(file).and_then(|running| {
        let lock = running.take_for_test()?.ok_or_else(|| {
            Bad::new("another `hopline test --live` has this mesh now, and cuts its links")
                .help("wait until it is done")
        })?;
        Ok((running, lock))
    });
    let (mut mesh, _lock) = match taken {
        Ok((running, lock)) => (Mesh::new(running, patience), lock),
        Err(error) => return untried(&name, expects, &error),
    };
    let mut interrupts = match interrupted() {
        Ok(interrupts) => interrupts,
        Err(error) => return untried(&name, expects, &error),
    };
    let prepared = prepare(&mut mesh, expects, &mut interrupts).await;
    let tested = match prepared {
        Ok(()) => try_all(&mesh, &name, expects, &mut interrupts).await,
        Err(error) => untried(&name, expects, &error),
    };
    mesh.dismiss().await;
    tested
}

/// That none was tried, and why.
fn untried(file: &str, expects: &[Expect], error: &anyhow::Error) -> Vec<Tested> {
    let error = told(error);
    let tested = |expect| Tested::new(file, expect, None, Verdict::Error(error.clone()));
    expects.iter().map(tested).collect()
}

fn told(error: &anyhow::Error) -> String {
    match describe(error) {
        (text, Some(help), _) => format!("{text}\nhelp: {help}"),
        (text, None, _) => text,
    }
}

/// Waits for a mesh that is whole, with all clients that messages are for.
async fn prepare(
    mesh: &mut Mesh,
    expects: &[Expect],
    interrupts: &mut Interrupts,
) -> anyhow::Result<()> {
    let wanted = |expect: &Expect| expect.to.split('@').next().map(str::to_owned);
    let names: BTreeSet<String> = expects.iter().filter_map(wanted).collect();
    let prepared = async {
        mesh.settled().await?;
        mesh.stand_in(&names.iter().map(String::as_str).collect()).await?;
        mesh.settled().await
    };
    tokio::select! {
        biased;
        () = interrupts.recv() => Err(stopped()),
        prepared = prepared => prepared,
    }
}

async fn try_all(
    mesh: &Mesh,
    file: &str,
    expects: &[Expect],
    interrupts: &mut Interrupts,
) -> Vec<Tested> {
    let mut tested = Vec::new();
    let mut fatal: Option<String> = None;
    for expect in expects {
        if let Some(why) = &fatal {
            tested.push(Tested::new(file, expect, None, Verdict::Error(why.clone())));
            continue;
        }
        let tried = tokio::select! {
            biased;
            () = interrupts.recv() => {
                fatal = Some(told(&stopped()));
                Err(stopped())
            }
            tried = try_one(mesh, expect) => tried,
        };
        if let Err(error) = mesh.heal().await {
            // What is tried on a mesh that is not whole says nothing.
            fatal = Some(format!("the mesh was not whole any more: {}", told(&error)));
        }
        tested.push(match tried {
            Ok((actual, broken)) => {
                let verdict = verdict(Stage::Live, file, mesh.offline(), expect, &actual, &broken);
                Tested::new(file, expect, Some(actual), verdict)
            }
            Err(error) => Tested::new(file, expect, None, Verdict::Error(told(&error))),
        });
    }
    tested
}

fn stopped() -> anyhow::Error {
    Bad::new("interrupted").into()
}

/// What becomes of the message of `expect` in the running mesh, and what of its claims does not hold.
async fn try_one(mesh: &Mesh, expect: &Expect) -> anyhow::Result<(Actual, Vec<Broken>)> {
    let actual = traced(mesh, expect, &expect.down).await?;
    let mut broken = judge(expect, &actual);
    if expect.survives == 0 || expect.unreachable || actual.reason.is_some() {
        return Ok((actual, broken));
    }
    let ends = [actual.path.first(), actual.path.last()].map(Option::<&NodeName>::cloned);
    let spared: Vec<Down> = ends.into_iter().flatten().map(Down::Node).collect();
    let spared: Vec<Down> = spared.into_iter().chain(expect.down.iter().cloned()).collect();
    let cases = cases_of(mesh.offline().graph(), expect.survives, &spared, MOST_CASES);
    let Some(cases) = cases else {
        let message = format!(
            "`survives = {}` has more than {MOST_CASES} cases, too many for a running mesh",
            expect.survives
        );
        return Err(Bad::new(message).help("try them on paper, without --live").into());
    };
    for down in cases {
        let all = [expect.down.as_slice(), down.as_slice()].concat();
        let after = traced(mesh, expect, &all).await?;
        mesh.heal().await?;
        if let Some(reason) = after.reason {
            broken.push(Broken::Survives { down, others: 0, reason, node: after.node });
            break;
        }
    }
    Ok((actual, broken))
}

/// What becomes of the message while `down` has failed. What is cut for it stays cut.
async fn traced(mesh: &Mesh, expect: &Expect, down: &[Down]) -> anyhow::Result<Actual> {
    let ingress = mesh.offline().node_of(&expect.from);
    if let Some(ingress) = ingress.filter(|node| down.contains(&Down::Node(node.clone()))) {
        // A node that is down takes no messages; this one is only cut off.
        let reason = Some(format!("{ingress} is down"));
        return Ok(Actual { path: Vec::new(), cost: 0, reason, node: None });
    }
    mesh.fail(down).await?;
    let names = |path: Vec<String>| -> Vec<NodeName> {
        path.iter().filter_map(|name| NodeName::parse(name).ok()).collect()
    };
    let (path, said) = match mesh.trace(&expect.from, &expect.to).await? {
        Ok(path) => (names(path), None),
        Err(said) => (names(said.path.clone()), Some(said)),
    };
    let cost = cost_of(mesh.offline().graph(), &path, &[]).unwrap_or_default();
    let node = said.as_ref().and_then(|said| NodeName::parse(said.node.as_deref()?).ok());
    Ok(Actual { path, cost, reason: said.map(|said| said.reason), node })
}
