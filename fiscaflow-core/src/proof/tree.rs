//! The tree itself: what a new leaf completes, and of which nodes roots and paths are made.

use std::ops::Range;

use fiscaflow_verifier as verifier;

use crate::log::Hash;

/// The hash of the leaf that a commit with this header is.
pub fn leaf_hash(header: &[u8]) -> Hash {
    Hash::from_bytes(verifier::leaf_hash(header))
}

fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash::from_bytes(verifier::node_hash(left.as_bytes(), right.as_bytes()))
}

/// A node below which all leaves are there: `leaves` is a power of two, and they end with the
/// leaf `last`, counted from 1, which completed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Complete {
    pub(super) last: u64,
    /// Its place among the nodes that `last` completed.
    pub(super) level: u32,
}

/// The largest complete nodes of a tree from left to right: all that has to be known to go on.
///
/// ```
/// use fiscaflow_core::proof::{Frontier, leaf_hash};
///
/// let mut tree = Frontier::default();
/// assert_eq!(tree.append(leaf_hash(b"first")).len(), 1);
/// assert_eq!(tree.append(leaf_hash(b"second")).len(), 2);
/// assert_eq!(tree.size(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of that size, of the nodes that [`whole`] names for it.
    pub(super) fn new(size: u64, nodes: Vec<Hash>) -> Self {
        Self { size, nodes }
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; what it completes, from the leaf itself upwards.
    pub fn append(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut completed = vec![leaf];
        let mut node = leaf;
        // As many nodes are joined as the size had ones at its end.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.nodes.pop() else { break };
            node = node_hash(left, node);
            completed.push(node);
        }
        self.nodes.push(node);
        self.size = self.size.saturating_add(1);
        completed
    }

    /// The root; that of no leaves is the digest of nothing.
    pub fn root(&self) -> Hash {
        joined(&self.nodes).unwrap_or_else(|| Hash::of(&[]))
    }
}

/// The hash over nodes that stand side by side, each larger than the next.
pub(super) fn joined(nodes: &[Hash]) -> Option<Hash> {
    let (last, rest) = nodes.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(*left, right)))
}

/// The complete nodes of which the hash over a range of leaves is made, the largest first; the
/// range begins where a node of its length can begin.
pub(super) fn whole(range: &Range<u64>) -> Vec<Complete> {
    let (mut start, mut nodes) = (range.start, Vec::new());
    while let Some(level) = range.end.saturating_sub(start).checked_ilog2() {
        start = start.saturating_add(1 << level);
        nodes.push(Complete { last: start, level });
    }
    nodes
}

/// The ranges of leaves whose hashes lead from a leaf to the root (RFC 9162, section 2.1.3.1).
pub(crate) fn inclusion(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut within, mut path) = (0..size, Vec::new());
    while within.end.saturating_sub(within.start) > 1 {
        let (left, right) = halves(&within);
        if left.contains(&index) {
            path.push(right);
            within = left;
        } else {
            path.push(left);
            within = right;
        }
    }
    path.reverse();
    path
}

/// The ranges of leaves whose hashes lead from the root of an older tree to that of a newer one
/// (RFC 9162, section 2.1.4.1); the older one has a leaf.
pub(crate) fn consistency(old: u64, size: u64) -> Vec<Range<u64>> {
    let (mut within, mut path) = (0..size, Vec::new());
    while within.end > old {
        let (left, right) = halves(&within);
        if old <= left.end {
            path.push(right);
            within = left;
        } else {
            path.push(left);
            within = right;
        }
    }
    if within.start > 0 {
        path.push(within);
    }
    path.reverse();
    path
}

/// The two parts that a tree of more than one leaf is made of: the left one is the largest power
/// of two that leaves something for the right one.
fn halves(range: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let length = range.end.saturating_sub(range.start);
    let left = length.saturating_sub(1).checked_ilog2().map_or(0, |level| 1 << level);
    let middle = range.start.saturating_add(left);
    (range.start..middle, middle..range.end)
}

#[cfg(test)]
mod tests {
    //! The tree against one that is made from scratch, by the definition.

    use super::*;
    use crate::store::TreeNodes;

    /// The root over leaves (RFC 9162, section 2.1.1), word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(by_definition(left), by_definition(right))
            }
        }
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn slice<'a>(leaves: &'a [Hash], range: &Range<u64>) -> &'a [Hash] {
        &leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    }

    #[test]
    fn a_tree_that_grows_is_the_tree_from_scratch() {
        // Holds: for each size up to 512, the root, what a leaf completes, and the frontier that is
        // put together of kept nodes are those of the definition.
        let leaves = leaves(512);
        let mut tree = Frontier::default();
        let mut kept = Vec::new();
        for size in 0..=512 {
            assert_eq!(tree.root(), by_definition(slice(&leaves, &(0..size))), "{size}");
            let edge = whole(&(0..size)).into_iter().map(|node| {
                let nodes: &TreeNodes = &kept[usize::try_from(node.last).unwrap() - 1];
                nodes.at(node.level).unwrap()
            });
            assert_eq!(Frontier::new(size, edge.collect()), tree);
            let Some(leaf) = leaves.get(usize::try_from(size).unwrap()) else { break };
            let completed = tree.append(*leaf);
            for (level, node) in completed.iter().enumerate() {
                let range = size + 1 - (1 << level)..size + 1;
                assert_eq!(*node, by_definition(slice(&leaves, &range)), "{range:?}");
            }
            assert_eq!(completed.len(), usize::try_from((size + 1).trailing_zeros()).unwrap() + 1);
            kept.push(TreeNodes::new(size + 1, &completed));
        }
    }

    #[test]
    fn a_hash_over_a_range_is_made_of_complete_nodes() {
        // Holds: for every path in trees of up to 64 leaves, joining the nodes that are named gives
        // the hash of the definition, and each path has the length of the definition.
        let leaves = leaves(64);
        let over = |range: &Range<u64>| {
            let nodes: Vec<Hash> = whole(range)
                .into_iter()
                .map(|node| {
                    by_definition(slice(&leaves, &(node.last - (1 << node.level)..node.last)))
                })
                .collect();
            joined(&nodes).unwrap()
        };
        for size in 1..=64_u64 {
            for index in 0..size {
                for range in inclusion(index, size) {
                    assert_eq!(over(&range), by_definition(slice(&leaves, &range)));
                }
            }
            assert_eq!(consistency(size, size), []);
            for old in 1..size {
                let path = consistency(old, size);
                assert!(!path.is_empty(), "{old} {size}");
                for range in path {
                    assert_eq!(over(&range), by_definition(slice(&leaves, &range)));
                }
            }
        }
    }
}
