//! What the description of the format is made of.

/// A table of a topology file.
#[derive(Debug)]
pub(crate) struct Table {
    /// What messages call it.
    pub(crate) title: &'static str,
    /// What it is for, in one line.
    pub(crate) means: &'static str,
    /// The keys that it may hold, in the order in which they are told.
    pub(crate) keys: &'static [&'static [Key]],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    /// The key itself.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// What counts where it is left out, in words.
    pub(crate) default: &'static str,
    /// What it means, in one line.
    pub(crate) means: &'static str,
}

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A node's name, or a text that makes one or several.
    Name,
    /// `true` or `false`.
    Truth,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A text, or a list of texts.
    TextOrTexts,
    /// Two names.
    Ends,
    /// `auto` or an endpoint.
    Bind,
    /// An endpoint.
    Endpoint,
    /// Two numbers.
    Position,
    /// A size such as `16MiB`, or a number of bytes, from this on.
    Size(u64),
    /// A duration such as `5s`.
    Duration,
    /// Bytes or bits in a second, such as `10MB/s`.
    Rate,
    /// A number from 0 to 1.
    Share,
    /// A number, a range, or a table of them by counter.
    Count,
    /// The upstreams of a node.
    Upstreams,
    /// A table.
    Table(&'static Table),
    /// Tables under free names.
    Named(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// Texts under free names.
    Pairs,
    /// Texts that say something, under free names.
    Reasons,
    /// Lists of texts under free names.
    Lists,
    /// Tables of texts under free names, themselves under free names.
    PairsOf,
}

impl Table {
    /// The keys, all in one list.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|keys| keys.iter())
    }

    /// The names of the keys.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.keys().map(|key| key.name).collect()
    }

    /// The key called `name`.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}
