//! Tests on paper.

use hopline::mesh::route::Down;
use hopline::topo::expect::{Actual, Broken, hold, why};
use hopline::topo::survive::{Breach, Lost, survive};
use hopline::topo::{Expect, Offline, Plan, Topology};

use super::report::{Failure, Stage, Tested, Verdict};
use crate::way::count;

/// Holds each expect of `topology`, the file at `file`.
pub(super) fn tests(file: &str, topology: &Topology) -> Vec<Tested> {
    let mesh = Offline::new(&Plan::new(topology));
    let held = |expect: &Expect| match hold(&mesh, expect) {
        Ok(outcome) => {
            let (actual, broken) = (&outcome.actual, &outcome.broken);
            let verdict = verdict(Stage::Offline, file, &mesh, expect, actual, broken);
            Tested::new(file, expect, Some(outcome.actual), verdict)
        }
        Err(many) => Tested::new(file, expect, None, Verdict::Error(many.to_string())),
    };
    topology.expects().iter().map(held).collect()
}

/// What an expect came to of which `broken` does not hold, in the mesh of the file at `file`.
pub(super) fn verdict(
    stage: Stage,
    file: &str,
    mesh: &Offline,
    expect: &Expect,
    actual: &Actual,
    broken: &[Broken],
) -> Verdict {
    let Some(first) = broken.first() else {
        return Verdict::Held;
    };
    let more: &[Down] = match first {
        Broken::Survives { down, .. } => down,
        _ => &[],
    };
    let down: Vec<&Down> = expect.down.iter().chain(more).collect();
    Verdict::Failed(Failure {
        claims: broken.iter().map(ToString::to_string).collect(),
        why: broken.iter().filter_map(|broken| why(mesh, expect, actual, broken)).collect(),
        look: Some(match (stage, down.as_slice()) {
            (Stage::Live, []) => look("trace", file, &expect.from, &expect.to, &[]),
            (Stage::Live | Stage::Offline, down) => {
                look("route", file, &expect.from, &expect.to, down)
            }
        }),
    })
}

/// Tries all cases of up to `most` failures in the mesh of the file at `file`.
pub(super) fn survival(file: &str, topology: &Topology, most: usize) -> Tested {
    let mesh = Offline::new(&Plan::new(topology));
    let (verdict, survival) = match survive(&mesh, topology.expects(), most) {
        Ok(survival) => {
            let verdict = match &survival.breach {
                None => Verdict::Held,
                Some(breach) => Verdict::Failed(breached(file, breach)),
            };
            (verdict, Some(survival))
        }
        Err(many) => (Verdict::Error(many.to_string()), None),
    };
    let name = match most {
        1 => "survives any failure of a link or node".to_owned(),
        most => format!("survives any failure of up to {most} links and nodes"),
    };
    Tested { name, survival, ..Tested::of_file(file, verdict) }
}

fn breached(file: &str, breach: &Breach) -> Failure {
    let names: Vec<String> = breach.down.iter().map(ToString::to_string).collect();
    let size = match breach.down.len() {
        1 => "one failure".to_owned(),
        more => format!("{more} failures"),
    };
    let Breach { failing, of, .. } = breach;
    let mut claims = vec![
        format!("does not hold in {failing} of {of} cases of {size}"),
        format!("the first is {} down", names.join(" and ")),
    ];
    let lost = |lost: &Lost| {
        let who = lost.node.as_ref().map_or_else(String::new, |node| format!(", says {node}"));
        format!("{} does not reach {}: {}{who}", lost.from, lost.to, lost.reason)
    };
    claims.extend(breach.expects.iter().map(|expected| format!("{} (expected)", lost(expected))));
    let pairs = count(breach.pairs, "pair");
    claims.extend(breach.example.iter().map(|example| match breach.pairs {
        1 => format!("{} (the only pair of nodes that is cut)", lost(example)),
        _ => format!("{} (one of {pairs} of nodes that are cut)", lost(example)),
    }));
    let example = breach.expects.first().or(breach.example.as_ref());
    let down: Vec<&Down> = breach.down.iter().collect();
    let look = example.map(|lost| look("route", file, &lost.from, &lost.to, &down));
    Failure { claims, why: Vec::new(), look }
}

/// The command that shows the way of a message.
fn look(verb: &str, file: &str, from: &str, to: &str, down: &[&Down]) -> String {
    let down = down.iter().map(|down| format!(" --down {down}"));
    let quoted = [file, from, to].map(quoted).join(" ");
    let explain = if verb == "route" { " --explain" } else { "" };
    format!("hopline {verb} {quoted}{}{explain}", down.collect::<String>())
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:+,%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
