//! `hopline graph`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use hopline::mesh::route::Down;
use hopline::topo::drawing::{self, Layout, Marks, dot, mermaid, svg, tree};
use hopline::topo::{Offline, Plan, Topology};

use super::{Answer, route};
use crate::trouble::Bad;
use crate::{names, output};

/// Draw a topology
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The topology file
    file: PathBuf,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Format::Tree)]
    format: Format,
    /// How to lay out a picture (svg) [default: as suits the mesh]
    #[arg(long, value_enum)]
    layout: Option<Arrangement>,
    /// Mark the way of a message between two nodes or planned clients
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    route: Vec<String>,
    /// Something that has failed: a node, or a link `a--b`; may be repeated
    #[arg(long, value_name = "NODE|LINK")]
    down: Vec<String>,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for the terminal
    Tree,
    /// For Graphviz
    Dot,
    /// For Markdown and the web
    Mermaid,
    /// A picture
    Svg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Arrangement {
    /// As suits the mesh
    Auto,
    /// Upstreams above those that dial them
    Layers,
    /// Neighbours near each other
    Spring,
    /// Nodes at their positions
    Map,
}

impl GraphArgs {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let topology = names::topology(&self.file)?.topology;
        let layout = self.layout(&topology)?;
        let plan = Plan::new(&topology);
        let mut marks = Marks::default();
        let offline = Offline::new(&plan);
        marks.down_links.extend(offline.cut().cloned());
        for down in names::down(&plan, &offline, &self.down)? {
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
        let text = match self.format {
            Format::Tree => tree(&topology, &marks),
            Format::Dot => dot(&topology, &marks),
            Format::Mermaid => mermaid(&topology, &marks),
            Format::Svg => svg(&topology, &marks, layout),
        };
        match &self.output {
            Some(file) => std::fs::write(file, text).with_context(|| file.display().to_string())?,
            None => output::data(&text)?,
        }
        Ok(answer)
    }

    /// The layout that is asked for, where the format has one and the mesh can be drawn so.
    fn layout(&self, topology: &Topology) -> anyhow::Result<Layout> {
        let Some(layout) = self.layout else {
            return Ok(Layout::Auto);
        };
        if self.format != Format::Svg {
            let bad = Bad::new("only pictures are laid out".to_owned());
            return Err(bad.help("say `--format svg`".to_owned()).into());
        }
        Ok(match layout {
            Arrangement::Auto => Layout::Auto,
            Arrangement::Layers => Layout::Layers,
            Arrangement::Spring => Layout::Spring,
            Arrangement::Map => {
                if let Some(node) = drawing::without_position(topology) {
                    let message = format!("`{node}` has no position, so there is no map");
                    let help = format!(
                        "give each node one, such as `position = [0, 0]`, beginning with `{node}`"
                    );
                    return Err(Bad::new(message).help(help).into());
                }
                Layout::Map
            }
        })
    }
}
