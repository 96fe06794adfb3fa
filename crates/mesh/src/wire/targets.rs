//! The nodes that one copy of a message to several is for: the frame behind the path, with mark `SPREAD`.

use bytes::Bytes;

use super::WireError;
use crate::name::NodeName;

/// Reads the nodes that a copy is for, in order, each once.
///
/// # Errors
/// [`WireError::Pack`] where the bytes are no list of nodes' names, [`WireError::Missing`] where it is empty.
pub fn read(frame: &[u8]) -> Result<Vec<NodeName>, WireError> {
    let mut nodes: Vec<NodeName> =
        rmp_serde::from_slice(frame).map_err(|_| WireError::Pack("targets"))?;
    nodes.sort();
    nodes.dedup();
    if nodes.is_empty() {
        return Err(WireError::Missing("targets"));
    }
    Ok(nodes)
}

/// Writes the nodes that a copy is for.
#[must_use]
pub fn write(nodes: &[NodeName]) -> Bytes {
    rmp_serde::to_vec(nodes).map(Bytes::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_in_order_and_each_once() {
        let nodes = [node("west"), node("east"), node("west")];
        assert_eq!(read(&write(&nodes)), Ok(vec![node("east"), node("west")]));
        assert_eq!(read(&write(&[])), Err(WireError::Missing("targets")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
        }
    }
}
