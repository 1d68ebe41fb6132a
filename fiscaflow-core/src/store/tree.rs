//! The nodes of a book's tree as stores keep them.

use crate::log::Hash;

/// How many bytes a node has.
const NODE_BYTES: usize = 32;

/// The nodes of a book's tree that one commit completes, as a store keeps them beside it: from the
/// leaf upwards, one after the other. They are derived from the history.
///
/// ```
/// use fiscaflow_core::proof::{Frontier, leaf_hash};
/// use fiscaflow_core::store::TreeNodes;
///
/// let leaf = leaf_hash(b"the header of a book's first commit");
/// let nodes = TreeNodes::new(1, &Frontier::default().append(leaf));
/// assert_eq!(nodes.at(0), Some(leaf));
/// assert_eq!(nodes.at(1), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNodes {
    /// The commit.
    pub seq: u64,
    /// The nodes.
    pub bytes: Vec<u8>,
}

impl TreeNodes {
    /// The nodes that a commit completes.
    pub fn new(seq: u64, nodes: &[Hash]) -> Self {
        Self { seq, bytes: nodes.iter().flat_map(Hash::as_bytes).copied().collect() }
    }

    /// The node of so many levels above the leaf.
    pub fn at(&self, level: u32) -> Option<Hash> {
        let chunks = self.bytes.as_chunks::<NODE_BYTES>().0;
        chunks.get(usize::try_from(level).ok()?).map(|bytes| Hash::from_bytes(*bytes))
    }
}
