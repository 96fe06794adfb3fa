//! Addresses: where a message is to go, as its sender wrote it.

/// The longest destination that anybody can have, in bytes.
pub const MAX_ADDRESS: usize = 1024;

/// Where a message is to go. Borrowed from the text it was parsed from.
///
/// | written | means |
/// |---|---|
/// | `alice` | the client, service or node of that name, wherever it is |
/// | `alice@east` | the client `alice` attached at node `east`; needs no directory |
/// | `#lights` | one copy to each member of the group |
/// | `*` | every client but the sender |
///
/// Parsing looks at the form alone. Whether anybody has the name is for
/// [`decide`](crate::route::decide) to say.
///
/// # Examples
/// ```
/// use hopline_mesh::address::Address;
///
/// assert_eq!(Address::parse("alice")?, Address::Name("alice"));
/// assert_eq!(Address::parse("alice@east")?, Address::At { name: "alice", node: "east" });
/// assert_eq!(Address::parse("#lights")?, Address::Group("lights"));
/// assert_eq!(Address::parse("*")?, Address::Everyone);
/// # Ok::<(), hopline_mesh::address::AddressError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address<'a> {
    /// A client, service or node, by its bare name.
    Name(&'a str),
    /// A client, by its name and the node that it is attached at.
    At {
        /// The client's name.
        name: &'a str,
        /// The node's name, as written: it may be no node's.
        node: &'a str,
    },
    /// The members of a group.
    Group(&'a str),
    /// Every client but the sender.
    Everyone,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is empty, or one side of its `@` is, or nothing follows its `#`.
    #[error("an address needs a name")]
    NoName,
    /// The text has more than [`MAX_ADDRESS`] bytes.
    #[error("an address has at most {MAX_ADDRESS} bytes, this one has {0}")]
    TooLong(usize),
}

impl<'a> Address<'a> {
    /// Takes `text` as an address. `name@node` is parted at its last `@`.
    ///
    /// # Errors
    /// [`AddressError`] says which rule the text breaks.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        if text.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong(text.len()));
        }
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if let Some(group) = text.strip_prefix('#') {
            return named(group).map(Self::Group);
        }
        match text.rsplit_once('@') {
            Some((name, node)) => Ok(Self::At { name: named(name)?, node: named(node)? }),
            None => named(text).map(Self::Name),
        }
    }
}

fn named(text: &str) -> Result<&str, AddressError> {
    if text.is_empty() { Err(AddressError::NoName) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_at_a_node_is_parted_at_its_last_mark() {
        assert_eq!(Address::parse("a@b@c"), Ok(Address::At { name: "a@b", node: "c" }));
    }

    #[test]
    fn an_address_without_a_name_is_none() {
        for text in ["", "@", "a@", "@a", "#"] {
            assert_eq!(Address::parse(text), Err(AddressError::NoName), "{text:?}");
        }
    }

    #[test]
    fn an_address_of_more_than_a_kibibyte_is_none() {
        let longest = "x".repeat(MAX_ADDRESS);
        assert_eq!(Address::parse(&longest), Ok(Address::Name(&longest)));
        let longer = "x".repeat(MAX_ADDRESS + 1);
        assert_eq!(Address::parse(&longer), Err(AddressError::TooLong(1025)));
    }

    #[test]
    fn a_star_or_a_mark_inside_a_name_is_part_of_it() {
        assert_eq!(Address::parse("a*"), Ok(Address::Name("a*")));
        assert_eq!(Address::parse("a#b"), Ok(Address::Name("a#b")));
    }
}
