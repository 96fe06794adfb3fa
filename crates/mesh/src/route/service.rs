//! Names that clients at several nodes hold together.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::NodeName;
use crate::wire::MessageId;

/// Which of the nodes that offer a service a message goes to.
///
/// Each node on the way chooses anew, by the same rule, and comes to the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The one at the least cost; of several, the one with the lesser name.
    #[default]
    Closest,
    /// Each message to one of those that are reached, by its id: see [`share`].
    Balanced,
}

impl Policy {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closest => "closest",
            Self::Balanced => "balanced",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much the node `holder` is drawn to the message `id` of a balanced service: of the nodes that
/// hold the service the message goes to the one with the most, and of equal ones to the greater name.
///
/// Rendezvous hashing: what a node is drawn to does not depend on who else holds the service, so when a
/// holder goes only its own messages move, evenly to the others. Ids are spread however they are
/// counted; a sender that gives every message the same id always gets the same holder.
///
/// All nodes of a mesh must come to the same, so the function is part of the protocol: FNV-1a over the
/// octets of the id's two numbers, little-endian, and of the name, then the last step of MurmurHash3.
#[must_use]
pub fn share(id: MessageId, holder: &NodeName) -> u64 {
    let octets = id.incarnation.to_le_bytes().into_iter().chain(id.counter.to_le_bytes());
    let octets = octets.chain(holder.as_str().bytes());
    let mixed = octets.fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn id(incarnation: u64, counter: u64) -> MessageId {
        MessageId { incarnation, counter }
    }

    fn pick<'n>(nodes: &[&'n str], id: MessageId) -> &'n str {
        nodes.iter().max_by_key(|name| share(id, &node(name))).unwrap()
    }

    #[test]
    fn the_share_is_part_of_the_protocol() {
        let shares = [
            share(id(0, 0), &node("east")),
            share(id(0, 0), &node("west")),
            share(id(1_700_000_000_000, 1), &node("east")),
        ];
        // Reckoned by another program from the description.
        assert_eq!(shares, [0x59ef_1293_590f_0d7e, 0x89af_6646_1f4d_bfd4, 0x3363_36c1_762e_3f6f]);
    }

    #[test]
    fn each_of_several_nodes_gets_about_as_many_messages() {
        let nodes = ["a", "b", "c", "node10", "node11"];
        for sender in [0, 7, 1_700_000_000_000] {
            let picked =
                |name| (0..10_000).filter(|n| pick(&nodes, id(sender, *n)) == name).count();
            for name in nodes {
                let count = picked(name);
                assert!((1_800..2_200).contains(&count), "{name} got {count} of {sender}");
            }
        }
    }

    #[test]
    fn when_a_node_goes_only_its_own_messages_move() {
        let mut moved = [0; 3];
        for n in 0..3_000 {
            let before = pick(&["a", "b", "c", "d"], id(5, n));
            let after = pick(&["a", "b", "c"], id(5, n));
            if before == "d" {
                moved[usize::from(after.as_bytes()[0] - b'a')] += 1;
            } else {
                assert_eq!(before, after);
            }
        }
        assert!(moved.iter().all(|count| (200..300).contains(count)), "{moved:?}");
    }
}
