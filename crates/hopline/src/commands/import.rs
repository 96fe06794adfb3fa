//! `hopline import`

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hopline::mesh::name::NodeName;
use hopline::topo::import::{Cost, Format, MAX_IMPORT, Options, import};

use super::Answer;
use crate::output;
use crate::trouble::Bad;

/// Make a topology file of a network that something else has written down
///
/// Names are made safe and unique and kept as labels; parallel links are merged, links from a node to
/// itself are left out. What was changed is told on stderr and at the head of the file.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// GML, GraphML, node-link JSON of networkx, or a lab of containerlab
    file: PathBuf,
    /// What the file is; by default told from its name, else from its text
    #[arg(long)]
    format: Option<FormatName>,
    /// The name of the mesh; by default the file's
    #[arg(long, value_name = "MESH")]
    name: Option<NodeName>,
    /// Where the costs of links come from: all the same, or whole kilometres
    #[arg(long, default_value = "hops")]
    cost: CostName,
    /// Write to this file rather than to stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file that --output names
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    Gml,
    Graphml,
    Json,
    Clab,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CostName {
    Hops,
    Distance,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let file = self.file.display();
        let text = text(&self.file)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let format = match self.format {
            Some(format) => format.into(),
            None => Format::guess(&name, &text).ok_or_else(|| {
                Bad::new(format!("cannot tell what {file} is"))
                    .help("say it with --format: gml, graphml, json or clab")
            })?,
        };
        let cost = match self.cost {
            CostName::Hops => Cost::Hops,
            CostName::Distance => Cost::Distance,
        };
        let options = Options { source: name.into_owned(), mesh: self.name, cost };
        let imported = import(&text, format, &options)
            .map_err(|error| Bad::new(format!("cannot import {file} as {format}: {error}")))?;
        let topology = imported.to_toml();
        match &self.output {
            Some(output) => write(output, &topology, self.force)?,
            None => output::data(&topology)?,
        }
        for note in &imported.notes {
            output::message(&format!("note: {note}"));
        }
        Ok(Answer::Yes)
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Gml => Self::Gml,
            FormatName::Graphml => Self::GraphMl,
            FormatName::Json => Self::NodeLink,
            FormatName::Clab => Self::Containerlab,
        }
    }
}

/// The text of a file, up to a little more than may be imported.
fn text(path: &Path) -> Result<String, Bad> {
    let name = path.display();
    let unreadable = |error: std::io::Error| {
        let reason = match error.kind() {
            ErrorKind::NotFound => "there is no file of that name".to_owned(),
            ErrorKind::PermissionDenied => "there is no permission to".to_owned(),
            ErrorKind::IsADirectory => "it is a directory".to_owned(),
            _ => error.to_string(),
        };
        Bad::new(format!("cannot read {name}: {reason}"))
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_IMPORT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_IMPORT {
        return Err(Bad::new(format!("{name} is larger than {} MiB", MAX_IMPORT >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Bad::new(format!("{name}:{line}: the file is not UTF-8 text"))
            .help("save it as UTF-8 in your editor")
    })
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Bad> {
    let name = path.display();
    let mut options = OpenOptions::new();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Bad::new(format!("{name} is there already")).help("--force replaces it")
        }
        _ => Bad::new(format!("cannot write {name}: {error}")),
    })
}
