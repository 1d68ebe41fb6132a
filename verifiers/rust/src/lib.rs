//! Checks proofs of a book's history without the engine.
//!
//! A book's commits are the leaves of a Merkle tree (RFC 9162, section 2.1). A checkpoint names
//! the tree of one moment: its size and its root. [`check_inclusion`] says whether a commit is in
//! that tree, [`check_consistency`] whether a later tree begins with an earlier one, and
//! [`Checkpoint::parse`] reads a checkpoint as C2SP's `tlog-checkpoint` writes it.
//!
//! A root is worth what the checkpoint is worth that it comes from: one that the checker kept
//! itself, or one that is [signed](Note) by a key that it trusts. A root that came with the proof
//! proves nothing.
//!
//! ```
//! use fiscaflow_verifier::{check_inclusion, leaf_hash, node_hash};
//!
//! let (one, two) = (leaf_hash(b"first commit"), leaf_hash(b"second commit"));
//! let root = node_hash(&one, &two);
//! assert!(check_inclusion(&two, 1, 2, &[one], &root));
//! assert!(!check_inclusion(&two, 0, 2, &[one], &root));
//! ```

#![forbid(unsafe_code)]

mod note;

use sha2::{Digest as _, Sha256};

pub use note::{Checkpoint, Note, NoteSignature, key_id};

/// A SHA-256 digest (FIPS 180-4).
pub type Digest = [u8; 32];

/// The hash of a leaf, whose bytes are a commit's header as it is stored.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The hash of a node, of those of its two children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Whether the leaf with that hash is the one of that index, from 0, in the tree of that size and
/// root (RFC 9162, section 2.1.3.2). `path` names the neighbours from the leaf to the root.
pub fn check_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for neighbour in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(neighbour, &hash);
            // The last node of a level without a neighbour stands for itself one level up.
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, neighbour);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether the tree of size `new_size` begins with the one of size `old_size`, which is not 0 (RFC
/// 9162, section 2.1.4.2).
pub fn check_consistency(
    old_size: u64,
    old_root: &Digest,
    new_size: u64,
    new_root: &Digest,
    path: &[Digest],
) -> bool {
    if old_size == 0 || old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    // Where the old tree is complete it is a node of the new one, and its root is the first hash.
    let (first, path) = match (old_size.is_power_of_two(), path.split_first()) {
        (true, Some(_)) => (old_root, path),
        (false, Some((first, rest))) => (first, rest),
        (_, None) => return false,
    };
    let shift = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old, mut new) = (*first, *first);
    for neighbour in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            (old, new) = (node_hash(neighbour, &old), node_hash(neighbour, &new));
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, neighbour);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old == *old_root && new == *new_root
}
