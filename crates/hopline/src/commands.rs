//! The verbs of the command line, one a file.

mod apply;
mod check;
mod completions;
mod demo;
mod diff;
mod down;
mod drain;
mod explain;
mod graph;
mod impair;
mod import;
mod node;
mod ping;
mod plan;
mod recv;
mod route;
mod routes;
mod schema;
mod send;
mod status;
mod test;
mod trace;
mod up;

use std::time::Duration;

use clap::{Parser, Subcommand};

/// What stands behind the list of verbs.
const AFTER_HELP: &str = "\
Data goes to stdout, messages to stderr. Exit codes:
  0  done
  1  the answer is no, or the input is bad
  2  a fault of hopline or of the machine";

/// A multi-hop routing mesh over ZeroMQ: from a file that declares it to the path of every message
#[derive(Debug, Parser)]
#[command(name = "hopline", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::Demo),
    Check(check::Check),
    Route(route::Route),
    Explain(explain::Explain),
    Graph(graph::GraphArgs),
    Plan(plan::PlanArgs),
    Diff(diff::Diff),
    Import(import::Import),
    Test(test::Test),
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Node(node::Node),
    Send(send::Send),
    Recv(recv::Recv),
    Ping(ping::Ping),
    Trace(trace::Trace),
    Routes(routes::Routes),
    Apply(apply::Apply),
    Impair(impair::Impair),
    Drain(drain::Drain),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// What a verb came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done, or the answer is yes.
    Yes,
    /// The answer is no, and has been told.
    No,
    /// There is no answer, and why has been told.
    Unknown,
}

pub(crate) async fn run(cli: Cli) -> anyhow::Result<Answer> {
    match cli.verb {
        Verb::Demo(verb) => verb.run().await,
        Verb::Check(verb) => verb.run(),
        Verb::Route(verb) => verb.run(),
        Verb::Explain(verb) => verb.run().await,
        Verb::Graph(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::Diff(verb) => verb.run(),
        Verb::Import(verb) => verb.run(),
        Verb::Test(verb) => verb.run().await,
        Verb::Up(verb) => verb.run().await,
        Verb::Down(verb) => verb.run().await,
        Verb::Status(verb) => verb.run().await,
        Verb::Node(verb) => verb.run().await,
        Verb::Send(verb) => verb.run().await,
        Verb::Recv(verb) => verb.run().await,
        Verb::Ping(verb) => verb.run().await,
        Verb::Trace(verb) => verb.run().await,
        Verb::Routes(verb) => verb.run().await,
        Verb::Apply(verb) => verb.run().await,
        Verb::Impair(verb) => verb.run().await,
        Verb::Drain(verb) => verb.run().await,
        Verb::Schema(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
    }
}

/// Waits for what an order comes to, and says for what where that takes long.
async fn patiently<T>(order: impl Future<Output = T>, waits_for: &str) -> T {
    const TELLS: Duration = Duration::from_secs(2);
    let mut order = std::pin::pin!(order);
    match tokio::time::timeout(TELLS, &mut order).await {
        Ok(done) => done,
        Err(_) => {
            crate::output::message(waits_for);
            order.await
        }
    }
}

/// Reads a time that something may take.
fn patience(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("nothing can be done in no time".to_owned()),
        time => Ok(time),
    }
}

/// Reads `500ms`, `5s`, `2m`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err("a duration is written `500ms`, `5s` or `2m`".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "a duration begins with a number".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for bad in ["", "5", "s", "-1s", "5 s", "5h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
