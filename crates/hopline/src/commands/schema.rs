//! `hopline schema`

use clap::Args;

use super::Answer;
use crate::output;

/// Write the JSON Schema of topology files, for editors
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let schema = serde_json::to_string_pretty(&hopline_topo::schema())?;
        output::data(&format!("{schema}\n"))?;
        Ok(Answer::Yes)
    }
}
