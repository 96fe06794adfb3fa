//! Who is attached where.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::name_map::NameMap;
use super::service::{Policy, share};
use super::table::Table;
use crate::name::{ClientName, NodeName};
use crate::wire::MessageId;

/// Who is attached where: each name with the nodes that hold it.
///
/// A name is at one node, save in flux and after a partition heals; then the holder with the lesser
/// name comes first. The name of a service may be at many nodes, and its [`Policy`] says which of them a
/// message goes to. Anonymous clients are in no directory: they are addressed `name@node`.
///
/// # Examples
/// ```
/// use hopline_mesh::name::{ClientName, NodeName};
/// use hopline_mesh::route::Directory;
///
/// let mut directory = Directory::new();
/// let alice = ClientName::from_identity(b"alice");
/// directory.add(alice.clone(), NodeName::parse("west")?);
/// directory.add(alice, NodeName::parse("east")?);
///
/// assert_eq!(directory.at("alice").map(NodeName::as_str), Some("east"));
/// assert_eq!(directory.at("bob"), None);
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// For asking only, never for walking: its order is not fixed.
    holders: NameMap<ClientName, BTreeSet<NodeName>>,
    by_node: BTreeMap<NodeName, Attached>,
    /// For asking only as well.
    services: NameMap<ClientName, Policy>,
}

/// The names at one node, and the sum of their weights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Attached {
    names: BTreeSet<ClientName>,
    digest: u64,
}

impl Directory {
    /// Nobody attached anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nobody attached anywhere, in a mesh that has these services.
    #[must_use]
    pub fn with_services(services: impl IntoIterator<Item = (ClientName, Policy)>) -> Self {
        Self { services: services.into_iter().collect(), ..Self::default() }
    }

    /// How the service `name` is shared out; none where no service is called so.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<Policy> {
        self.services.get(name).copied()
    }

    /// Notes that `name` is attached at `node`. Says whether that is news.
    pub fn add(&mut self, name: ClientName, node: NodeName) -> bool {
        let holders = self.holders.entry(name.clone()).or_default();
        if !holders.insert(node.clone()) {
            return false;
        }
        let weight = weight(&name, &node);
        let attached = self.by_node.entry(node).or_default();
        attached.digest = attached.digest.wrapping_add(weight);
        attached.names.insert(name)
    }

    /// Notes that `name` is no longer attached at `node`. Says whether it was.
    pub fn remove(&mut self, name: &ClientName, node: &NodeName) -> bool {
        if !self.forget_holder(name, node) {
            return false;
        }
        if let Some(attached) = self.by_node.get_mut(node) {
            attached.digest = attached.digest.wrapping_sub(weight(name, node));
            attached.names.remove(name);
            if attached.names.is_empty() {
                self.by_node.remove(node);
            }
        }
        true
    }

    /// Notes that nobody is attached at `node` any more. Gives back who was.
    pub fn remove_node(&mut self, node: &NodeName) -> BTreeSet<ClientName> {
        let names = self.by_node.remove(node).unwrap_or_default().names;
        for name in &names {
            self.forget_holder(name, node);
        }
        names
    }

    /// The node that holds `name`; of several, the one with the lesser name, whatever the name is.
    #[must_use]
    pub fn at(&self, name: &str) -> Option<&NodeName> {
        self.holders.get(name)?.first()
    }

    /// The node to send the message `id` for `name` to, as the node of `table` sees it. Of the holders
    /// that it reaches, for a
    ///
    /// * [`Policy::Closest`] service: the one at the least cost, of several the one with the lesser name;
    /// * [`Policy::Balanced`] service: the one that the message is [drawn](share) to;
    /// * plain name: the one with the lesser name.
    ///
    /// Where it reaches none, [`at`](Self::at). In a mesh whose nodes know the same each node on the way
    /// comes to the same holder: the next hop is nearer to the closest one by as much as to no other.
    #[must_use]
    pub fn holder(&self, name: &str, table: &Table, id: MessageId) -> Option<&NodeName> {
        let holders = self.holders.get(name)?;
        let first = holders.first()?;
        if holders.len() == 1 {
            return Some(first);
        }
        let mut reached = holders.iter().filter(|node| table.reaches(node));
        let chosen = match self.policy(name) {
            None => reached.next(),
            Some(Policy::Closest) => reached.min_by_key(|node| table.cost(node)),
            Some(Policy::Balanced) => reached.max_by_key(|node| share(id, node)),
        };
        Some(chosen.unwrap_or(first))
    }

    /// The nodes that hold `name`, in order, each with the cost of the way to it as the node of `table`
    /// sees it; none where there is no way.
    pub fn offers(
        &self,
        name: &str,
        table: &Table,
    ) -> impl Iterator<Item = (&NodeName, Option<u64>)> {
        self.holders(name).map(|node| (node, table.cost(node)))
    }

    /// All nodes that hold `name`, in order.
    pub fn holders(&self, name: &str) -> impl Iterator<Item = &NodeName> {
        self.holders.get(name).into_iter().flatten()
    }

    /// The nodes with somebody attached, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.by_node.keys()
    }

    /// The names attached at `node`, in order.
    pub fn names_at(&self, node: &NodeName) -> impl Iterator<Item = &ClientName> {
        self.by_node.get(node).into_iter().flat_map(|attached| &attached.names)
    }

    /// The name as the directory has it, if `name` is attached at `node`.
    #[must_use]
    pub fn named_at(&self, name: &str, node: &NodeName) -> Option<&ClientName> {
        let (name, holders) = self.holders.get_key_value(name)?;
        holders.contains(node).then_some(name)
    }

    /// All attachments, in the order of the nodes' names, then of the clients'.
    pub fn iter(&self) -> impl Iterator<Item = (&NodeName, &ClientName)> {
        let nodes = self.by_node.iter();
        nodes.flat_map(|(node, attached)| attached.names.iter().map(move |name| (node, name)))
    }

    /// The number of attachments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_node.values().map(|attached| attached.names.len()).sum()
    }

    /// Whether nobody is attached anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_node.is_empty()
    }

    /// A digest of the attachments: equal at two nodes that know the same ones, whichever order they
    /// learnt them in.
    ///
    /// It is the sum, modulo 2^64, of the first eight bytes of the SHA-256 of `node@name` for each.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest_at(|_| true)
    }

    /// The [digest](Self::digest) of the attachments at some of the nodes.
    #[must_use]
    pub fn digest_at(&self, is_meant: impl Fn(&NodeName) -> bool) -> u64 {
        let meant = self.by_node.iter().filter(|(node, _)| is_meant(node));
        meant.fold(0, |sum, (_, attached)| sum.wrapping_add(attached.digest))
    }

    fn forget_holder(&mut self, name: &ClientName, node: &NodeName) -> bool {
        let Some(holders) = self.holders.get_mut(name) else {
            return false;
        };
        if !holders.remove(node) {
            return false;
        }
        if holders.is_empty() {
            self.holders.remove(name);
        }
        true
    }
}

impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        self.by_node == other.by_node
    }
}

impl Eq for Directory {}

impl FromIterator<(ClientName, NodeName)> for Directory {
    fn from_iter<I: IntoIterator<Item = (ClientName, NodeName)>>(attachments: I) -> Self {
        let mut directory = Self::new();
        for (name, node) in attachments {
            directory.add(name, node);
        }
        directory
    }
}

fn weight(name: &ClientName, node: &NodeName) -> u64 {
    let digest = Sha256::new()
        .chain_update(node.as_str())
        .chain_update("@")
        .chain_update(name.as_str())
        .finalize();
    u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn client(name: &str) -> ClientName {
        ClientName::from_identity(name.as_bytes())
    }

    #[test]
    fn the_digest_is_the_same_in_whatever_order_attachments_were_learnt() {
        let pairs = [("a", "east"), ("b", "west"), ("a", "west"), ("c", "top")];
        let forth: Directory = pairs.iter().map(|(c, n)| (client(c), node(n))).collect();
        let mut back: Directory = pairs.iter().rev().map(|(c, n)| (client(c), node(n))).collect();
        assert_eq!(forth.digest(), back.digest());
        assert_eq!(forth, back);

        assert!(back.add(client("d"), node("top")));
        assert!(!back.add(client("d"), node("top")));
        assert_ne!(forth.digest(), back.digest());
        assert!(back.remove(&client("d"), &node("top")));
        assert!(!back.remove(&client("d"), &node("top")));
        assert_eq!(forth.digest(), back.digest());
    }

    #[test]
    fn a_node_that_goes_takes_its_attachments_along() {
        let mut directory = Directory::new();
        for (name, at) in [("a", "east"), ("b", "east"), ("a", "west")] {
            directory.add(client(name), node(at));
        }
        let gone = directory.remove_node(&node("east"));
        assert_eq!(gone, BTreeSet::from([client("a"), client("b")]));
        assert_eq!(directory.at("a"), Some(&node("west")));
        assert_eq!(directory.at("b"), None);
        assert_eq!((directory.len(), directory.names_at(&node("east")).count()), (1, 0));
        directory.remove_node(&node("west"));
        assert!(directory.is_empty());
        assert_eq!(directory.digest(), 0);
    }
}
