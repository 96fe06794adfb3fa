//! The files of one mesh: a file, those that it includes, and what is written in all of them.
//!
//! Each file is parsed behind as many blanks as there are bytes before it, so that every place in its
//! tree is a place among all of them. Files come from a [`Resolver`]; nothing here touches a disk.

mod duplicates;
mod gather;
mod merge;

use thiserror::Error;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Source};
use crate::spec::include;
use crate::syntax::Broken;

pub(crate) use gather::{not_utf8, too_large};

/// The most that the files of a mesh may take together, in bytes: room for ten thousand nodes.
pub const MAX_FILE: u64 = 4 << 20;

/// The most files that a mesh may be written in.
pub const MAX_FILES: usize = 64;

/// A file that another includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// What people know it by; files that it includes are looked for from here.
    pub name: String,
    /// What tells it from other files, however it is named: of two files with the same one, one is
    /// the other.
    pub identity: String,
    /// What it holds.
    pub text: String,
}

/// Why a file cannot be included.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IncludeError {
    /// There is none, or it may not be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is larger than [`MAX_FILE`].
    #[error("it is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8 {
        /// What people know it by.
        name: String,
        /// What it holds, with `U+FFFD` for what is not UTF-8.
        text: String,
        /// Where in this text the first of these is.
        at: usize,
    },
}

/// Finds the file that a file names: first the name of the file that includes, then what it says.
pub(crate) type Resolver<'a> = dyn Fn(&str, &str) -> Result<Included, IncludeError> + 'a;

/// All files of a mesh, as far as they could be read.
#[derive(Debug)]
pub(crate) struct Files {
    /// The files, to show findings with.
    pub(crate) source: Source,
    /// What could not be read.
    pub(crate) broken: Broken,
    /// What is wrong with the files as such: their syntax, and how they include each other.
    pub(crate) problems: Vec<Diagnostic>,
    /// The text of each file behind its blanks, without what could not be read.
    texts: Vec<String>,
}

impl Files {
    /// The file `first`, and all that it includes.
    pub(crate) fn gather(first: Included, resolver: &Resolver<'_>) -> Self {
        gather::gather(first, resolver)
    }

    /// What all files say, as if it stood in one; and the keys that stand there twice.
    pub(crate) fn tree(&self) -> (DeTable<'_>, Vec<Diagnostic>) {
        let mut all = DeTable::new();
        let mut problems = Vec::new();
        for text in &self.texts {
            let (tree, errors) = DeTable::parse_recoverable(text);
            problems.extend(duplicates::describe(text, &errors));
            let mut tree = tree.into_inner();
            // What is included is a matter of each file alone, and told already.
            let _ = include::take(&mut tree);
            merge::merge(&mut all, tree, &mut problems);
        }
        (all, problems)
    }
}
