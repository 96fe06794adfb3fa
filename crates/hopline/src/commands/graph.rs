//! `hopline graph`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hopline::mesh::route::Down;
use hopline::topo::drawing::{Marks, dot, mermaid, tree};
use hopline::topo::{Offline, Plan};

use super::{Answer, route};
use crate::{names, output};

/// Draw a topology
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The topology file
    file: PathBuf,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Format::Tree)]
    format: Format,
    /// Mark the way of a message between two nodes or planned clients
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    route: Vec<String>,
    /// Something that has failed: a node, or a link `a--b`; may be repeated
    #[arg(long, value_name = "NODE|LINK")]
    down: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for the terminal
    Tree,
    /// For Graphviz
    Dot,
    /// For Markdown and the web
    Mermaid,
}

impl GraphArgs {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let topology = names::topology(&self.file)?.topology;
        let plan = Plan::new(&topology);
        let mut marks = Marks::default();
        for down in names::down(&plan, &Offline::new(&plan), &self.down)? {
            match down {
                Down::Node(node) => drop(marks.down_nodes.insert(node)),
                Down::Link(link) => drop(marks.down_links.insert(link)),
            }
        }
        let mut answer = Answer::Yes;
        if let [from, to] = self.route.as_slice() {
            let way = route::way(&plan, from, to, &self.down)?;
            if way.reachable {
                marks.route = way.path;
            } else {
                output::message(&way.text());
                answer = Answer::No;
            }
        }
        let draw = match self.format {
            Format::Tree => tree,
            Format::Dot => dot,
            Format::Mermaid => mermaid,
        };
        output::data(&draw(&topology, &marks))?;
        Ok(answer)
    }
}
