//! Why a message goes the way it goes, as people read it.

use std::fmt::Write as _;

use hopline::mesh::route::access::Asked;
use hopline::mesh::route::explain::{
    Choice, Cleared, DecidedBy, Decision, Excluded, Explanation, Offer, Other, SetRoute, Step,
};

use crate::commands::Answer;
use crate::output;
use crate::way::{arrows, count, drains, price, visible};

/// Prints an explanation. Whether the message arrives is the answer.
pub(crate) fn print(explanation: &Explanation, json: bool) -> anyhow::Result<Answer> {
    if json {
        output::json(explanation)?;
    } else {
        output::data(&text(explanation))?;
    }
    Ok(if explanation.reachable { Answer::Yes } else { Answer::No })
}

fn text(explanation: &Explanation) -> String {
    let mut text = head(explanation);
    let _ = writeln!(text, "why: {}", why(explanation));
    let choice = explanation.steps.first().and_then(|step| step.choice.as_ref());
    if let Some(choice) = choice {
        let _ = writeln!(text, "{}", chosen(&explanation.to, choice));
    }
    for step in &explanation.steps {
        if let Some(Cleared { allowed: true, rule: Some(rule), .. }) = &step.access {
            let _ = writeln!(text, "allowed at {}: {}", step.node, visible(rule));
        }
    }
    let says_more = |step: &Step| step.route().is_some() || step.neighbour().is_some();
    if explanation.steps.len() > 1 || explanation.steps.iter().any(says_more) {
        let width = explanation.steps.iter().map(|step| step.node.as_str().len()).max();
        text.push_str("at each node:\n");
        for step in &explanation.steps {
            let (node, width) = (step.node.as_str(), width.unwrap_or(0));
            let _ = writeln!(text, "  {node:width$}  {}", decided(step));
        }
    }
    if !explanation.others.is_empty() {
        text.push_str("not taken:\n");
        for other in &explanation.others {
            let _ = writeln!(text, "  {}", excluded(other));
        }
    }
    text
}

fn head(explanation: &Explanation) -> String {
    let Explanation { from, to, path, cost, hops, reason, node, .. } = explanation;
    let (from, to) = (visible(from), visible(to));
    match (reason, node, path.as_slice()) {
        (None, ..) => {
            let (way, hops) = (arrows(path), count(*hops, "hop"));
            format!("{from} -> {to}:  {way}  {}, {hops}\n", price(*cost))
        }
        (Some(_), None, path @ [_, _, ..]) => {
            format!("the way from {from} to {to} is known as far as {}\n", arrows(path))
        }
        (Some(reason), None, _) => format!("no way from {from} to {to}: {reason}\n"),
        (Some(reason), Some(node), [_]) => {
            format!("no way from {from} to {to}: {reason}, says {node}\n")
        }
        (Some(reason), Some(node), path) => format!(
            "no way from {from} to {to}: {reason}, says {node}\n  it comes as far as {}\n",
            arrows(path)
        ),
    }
}

/// The rule that decided, in a sentence or two.
fn why(explanation: &Explanation) -> String {
    let next = match &explanation.runner_up {
        Some(way) => arrows(&way.path),
        None => String::new(),
    };
    let cost = explanation.runner_up.as_ref().map_or(0, |way| way.cost);
    match &explanation.decided_by {
        DecidedBy::Here => "it is there already".to_owned(),
        DecidedBy::OnlyWay => {
            let is_down = |other: &Other| matches!(other.excluded, Excluded::Down { .. });
            match explanation.others.iter().any(is_down) {
                true => "the only way that is left".to_owned(),
                false => "the only way".to_owned(),
            }
        }
        DecidedBy::Cost { .. } if drains(cost) => {
            format!("the cheapest way; the next best, {next}, is draining")
        }
        DecidedBy::Cost { by } => {
            format!("the cheapest way; the next best, {next}, costs {cost} ({by} more)")
        }
        DecidedBy::Hops { by } => format!(
            "the shortest of the cheapest ways; the next best, {next}, costs as much and has {} more",
            count(*by, "hop")
        ),
        DecidedBy::TieBreak { lost_by, against } => format!(
            "a tie; {next} is as cheap and as short, and loses by its link {lost_by}, which comes \
             after {against} in the alphabet"
        ),
        DecidedBy::StaticRoute { node, route } => {
            format!("{node} has the static route {}", written(route))
        }
        DecidedBy::Refused { by } => refused(by, explanation),
        DecidedBy::Down => "nobody is there to take the message".to_owned(),
        DecidedBy::Unsettled => {
            "the nodes do not see the same mesh yet; ask again in a moment".to_owned()
        }
    }
}

/// What the rule that refused it says.
fn refused(by: &str, explanation: &Explanation) -> String {
    let reason = explanation.reason.as_deref().unwrap_or_default();
    let last = explanation.steps.last();
    let at = last.and_then(Step::at).map_or_else(|| "it".to_owned(), ToString::to_string);
    let node = last.map_or_else(String::new, |step| step.node.to_string());
    match (by, reason) {
        ("access", _) => denied(last.and_then(|step| step.access.as_ref()), &node),
        ("address", "unsupported address") => {
            "a message to several goes more ways than one".to_owned()
        }
        ("address", _) => "that is no address".to_owned(),
        ("loop", _) => format!("{node} handled the message before"),
        ("hop limit", _) => "the way is longer than a path may be".to_owned(),
        ("next hop is source", _) => format!("{node} would send it back to where it came from"),
        ("queue full", "unreachable") => format!("the link that {node} would use is down"),
        ("queue full", _) => format!("the queue of {node} to its next hop is full"),
        (_, "unreachable") => format!("{node} knows {at}, and has no way to it"),
        (_, "unknown destination") => format!("{node} knows nobody of that name"),
        (_, reason) => reason.to_owned(),
    }
}

/// What the access rules say of a message that they deny.
fn denied(said: Option<&Cleared>, node: &str) -> String {
    let Some(Cleared { asked, rule, .. }) = said else {
        return "an access rule denies it".to_owned();
    };
    let what = match asked {
        Asked::Attach => "attach there",
        Asked::Send => "send to it",
    };
    match rule {
        Some(rule) => format!("the sender may not {what}: {}", visible(rule)),
        None => format!(
            "no rule lets the sender {what}, and {node} listens beyond its machine, where that denies it"
        ),
    }
}

fn decided(step: &Step) -> String {
    match &step.decision {
        Decision::Deliver { client: None, .. } => "it is for this node".to_owned(),
        Decision::Deliver { client: Some(client), route: None } => {
            format!("{} is attached here", visible(client))
        }
        Decision::Deliver { client: Some(client), route: Some(route) } => {
            format!("static route {}: {} is attached here", written(route), visible(client))
        }
        Decision::StaticRoute { route, neighbour, .. } => {
            format!("to {neighbour}, by the static route {}", written(route))
        }
        Decision::Computed { at, neighbour, cost, hops } => {
            let hops = count(*hops as usize, "hop");
            format!("to {neighbour}, the computed way to {at}: {}, {hops}", price(*cost))
        }
        Decision::Alternate { at, neighbour, instead_of } => format!(
            "the link to {instead_of} is down: {at} is reached through {neighbour}, which does not lead back"
        ),
        Decision::Refuse { reason, route: None, .. } => format!("refuses it: {reason}"),
        Decision::Refuse { reason, route: Some(route), .. } => {
            format!("refuses it: {reason}, by the static route {}", written(route))
        }
    }
}

fn excluded(other: &Other) -> String {
    let Other { way, excluded } = other;
    let path = arrows(&way.path);
    let cost = price(way.cost);
    match excluded {
        Excluded::Down { down } => {
            let are = if down.len() == 1 { "is" } else { "are" };
            format!("{path}  {cost}: {} {are} down", down.join(", "))
        }
        Excluded::StaticRoute { node, route } => {
            let route = written(route);
            format!("{path}  {cost}: overridden at {node} by the static route {route}")
        }
        Excluded::HopLimit { nodes, limit } => {
            format!("{path}  {cost}: it has {nodes} nodes, and a path may have {limit}")
        }
        Excluded::Cost { .. } if drains(way.cost) => format!("{path}  {cost}"),
        Excluded::Cost { by } => format!("{path}  {cost}: {by} more"),
        Excluded::Hops { by } => {
            format!("{path}  {cost}: as cheap, and {} longer", count(*by, "hop"))
        }
        Excluded::TieBreak { lost_by, against } => {
            format!("{path}  {cost}: a tie, lost by {lost_by}, which comes after {against}")
        }
    }
}

/// Which of the nodes that hold a name is meant.
fn chosen(name: &str, choice: &Choice) -> String {
    let told = |offer: &Offer| match offer.cost {
        Some(cost) => format!("{} ({})", offer.node, price(cost)),
        None => format!("{} (no way)", offer.node),
    };
    let of = choice.of.iter().map(told).collect::<Vec<_>>().join(", ");
    let name = visible(name);
    match choice.policy {
        Some(policy) => format!("service {name}: {policy} of {of}"),
        None => format!("{name} is held at {of}: the first of them that can be reached"),
    }
}

fn written(route: &SetRoute) -> String {
    format!("\"{}\" = \"{}\"", visible(&route.pattern), visible(&route.next_hop))
}
