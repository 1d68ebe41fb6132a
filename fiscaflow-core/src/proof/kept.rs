//! The tree of a book as its store keeps it: read by what is asked for, and filled up where it is
//! not kept yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::tree::{Complete, Frontier, joined, leaf_hash, whole};
use crate::error::{Error, Result};
use crate::id::BookId;
use crate::log::Hash;
use crate::store::{COMMITS, Store, TreeNodes};

/// How many commits' nodes are read at a time.
const NODES: u64 = 500;

/// The right edge of a book's tree as it was when the book had so many commits.
pub(crate) async fn right_edge(store: &dyn Store, book_id: BookId, size: u64) -> Result<Frontier> {
    let nodes = complete(store, book_id, size, &[whole(&(0..size))]).await?;
    Ok(Frontier::new(size, nodes.concat()))
}

/// The hashes over ranges of leaves in the tree of a book that has so many commits, all of them
/// from one read.
pub(crate) async fn hashes(
    store: &dyn Store,
    book_id: BookId,
    size: u64,
    ranges: &[Range<u64>],
) -> Result<Vec<Hash>> {
    let wanted: Vec<Vec<Complete>> = ranges.iter().map(whole).collect();
    let found = complete(store, book_id, size, &wanted).await?;
    found.iter().map(|nodes| joined(nodes).ok_or_else(missing)).collect()
}

/// The hashes of complete nodes. Where nodes are not kept yet, as of commits that were written
/// before there was a tree, they are made first.
async fn complete(
    store: &dyn Store,
    book_id: BookId,
    size: u64,
    wanted: &[Vec<Complete>],
) -> Result<Vec<Vec<Hash>>> {
    let seqs: BTreeSet<u64> = wanted.iter().flatten().map(|node| node.last).collect();
    let seqs: Vec<u64> = seqs.into_iter().collect();
    for filled in [false, true] {
        let kept = store.tree_nodes(book_id, &seqs).await?;
        if kept.len() == seqs.len() {
            let kept: BTreeMap<u64, TreeNodes> =
                kept.into_iter().map(|nodes| (nodes.seq, nodes)).collect();
            let hash = |node: &Complete| kept.get(&node.last)?.at(node.level);
            let hashes = |nodes: &Vec<Complete>| nodes.iter().map(hash).collect();
            let found: Option<Vec<Vec<Hash>>> = wanted.iter().map(hashes).collect();
            return found.ok_or_else(missing);
        }
        if !filled {
            fill(store, book_id, size).await?;
        }
    }
    Err(missing())
}

/// Keeps the nodes of all commits that have none, up to one of them. What was made before it was
/// cut off is not made again.
async fn fill(store: &dyn Store, book_id: BookId, size: u64) -> Result<()> {
    let mut tree = Frontier::default();
    while tree.size() < size {
        let end = size.min(tree.size().saturating_add(NODES));
        let seqs: Vec<u64> = (tree.size()..end).map(next).collect();
        let mut kept = store.tree_nodes(book_id, &seqs).await?;
        kept.sort_unstable_by_key(|nodes| nodes.seq);
        for nodes in &kept {
            let Some(leaf) = nodes.at(0).filter(|_| nodes.seq == next(tree.size())) else { break };
            tree.append(leaf);
        }
        while tree.size() < end {
            let commits = store.commits(book_id, tree.size(), COMMITS).await?;
            let mut made = Vec::with_capacity(commits.len());
            for commit in commits {
                if commit.seq != next(tree.size()) {
                    return Err(missing());
                }
                made.push(TreeNodes::new(commit.seq, &tree.append(leaf_hash(&commit.header))));
            }
            if made.is_empty() {
                return Err(missing());
            }
            store.keep_tree_nodes(book_id, &made).await?;
        }
    }
    Ok(())
}

/// The commit that is the leaf after so many.
fn next(size: u64) -> u64 {
    size.saturating_add(1)
}

fn missing() -> Error {
    Error::corrupt("the history's tree has a gap")
}
