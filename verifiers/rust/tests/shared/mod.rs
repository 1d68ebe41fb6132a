//! The tree by its definition, and checks that are as plain: what the verifier is compared with.

#![allow(dead_code, reason = "each test needs a part of it")]
#![allow(clippy::indexing_slicing, reason = "tests report by panicking")]

use fiscaflow_verifier::{Digest, leaf_hash, node_hash};

/// Leaves that differ from each other.
pub fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// The largest power of two below a size that is larger than 1.
pub fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn middle(leaves: &[Digest]) -> usize {
    usize::try_from(split(leaves.len() as u64)).unwrap_or(usize::MAX)
}

/// The root (RFC 9162, section 2.1.1); there is a leaf.
pub fn root(leaves: &[Digest]) -> Digest {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(middle(leaves));
    node_hash(&root(left), &root(right))
}

/// The path of a leaf (section 2.1.3.1).
pub fn inclusion(index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = middle(leaves);
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = match index < k {
        true => (inclusion(index, left), right),
        false => (inclusion(index - k, right), left),
    };
    path.push(root(other));
    path
}

/// The path from an older tree (section 2.1.4.1).
pub fn consistency(old: usize, leaves: &[Digest]) -> Vec<Digest> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[Digest], known: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let k = middle(leaves);
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = match old <= k {
        true => (subproof(old, left, known), right),
        false => (subproof(old - k, right, false), left),
    };
    path.push(root(other));
    path
}

/// The root to which a path leads, by the definition from the root down; `None` where the path has
/// not as many hashes as it has to have.
pub fn root_by_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return path.is_empty().then_some(*leaf);
    }
    let (other, below) = path.split_last()?;
    let k = split(size);
    Some(match index < k {
        true => node_hash(&root_by_inclusion(leaf, index, k, below)?, other),
        false => node_hash(other, &root_by_inclusion(leaf, index - k, size - k, below)?),
    })
}

/// The roots, old and new, to which a path leads, by the definition from the root down; `known` is
/// the root of the old tree as long as it can be a node of the new one.
pub fn roots_by_consistency(
    old: u64,
    size: u64,
    known: Option<&Digest>,
    path: &[Digest],
) -> Option<(Digest, Digest)> {
    if old == 0 || old > size {
        return None;
    }
    if old == size {
        return match (known, path) {
            (Some(root), []) | (None, [root]) => Some((*root, *root)),
            _ => None,
        };
    }
    let (other, below) = path.split_last()?;
    let k = split(size);
    Some(if old <= k {
        let (older, newer) = roots_by_consistency(old, k, known, below)?;
        (older, node_hash(&newer, other))
    } else {
        let (older, newer) = roots_by_consistency(old - k, size - k, None, below)?;
        (node_hash(other, &older), node_hash(other, &newer))
    })
}

/// A check of inclusion by the definition.
pub fn naive_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> bool {
    root_by_inclusion(leaf, index, size, path).as_ref() == Some(root)
}

/// A check of consistency by the definition.
pub fn naive_consistency(
    old: u64,
    old_root: &Digest,
    size: u64,
    new_root: &Digest,
    path: &[Digest],
) -> bool {
    roots_by_consistency(old, size, Some(old_root), path) == Some((*old_root, *new_root))
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound that is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn place(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or_default()
    }
}
