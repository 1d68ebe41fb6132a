//! The nodes of a book's tree, beside the commits that complete them.

use std::sync::Arc;

use super::scribe::Scribe;
use crate::conformance::sources::Random;
use crate::log::Commit;
use crate::proof::{Frontier, leaf_hash, right_edge};
use crate::store::{Store, TreeNodes};

async fn kept(store: &dyn Store, scribe: &Scribe, seqs: &[u64]) -> Vec<TreeNodes> {
    let mut kept = store.tree_nodes(scribe.book_id, seqs).await.unwrap();
    kept.sort_unstable_by_key(|nodes| nodes.seq);
    kept
}

fn nodes(seq: u64, bytes: &[u8]) -> TreeNodes {
    TreeNodes { seq, bytes: bytes.to_vec() }
}

/// Holds: the nodes that come with a commit are read by its number, in their book alone; a commit
/// that came without has none.
pub async fn nodes_come_with_their_commit(store: Arc<dyn Store>) {
    let (mut scribe, mut other) = (Scribe::new(1), Scribe::new(2));
    let long: Vec<u8> = (0..=u8::MAX).cycle().take(2_048).collect();
    for (number, bytes) in [&b"one"[..], b"", &long].into_iter().enumerate() {
        let bare = scribe.seal(Vec::new());
        scribe.write(&*store, Arc::new(Commit { nodes: bytes.to_vec(), ..(*bare).clone() })).await;
        if number == 0 {
            other.change(&*store, Vec::new()).await;
        }
    }
    let (one, three) = (nodes(1, b"one"), nodes(3, &long));
    assert_eq!(kept(&*store, &scribe, &[3, 1, 2, 4, 1, 0, u64::MAX]).await, [one.clone(), three]);
    assert_eq!(kept(&*store, &scribe, &[1]).await, [one]);
    assert_eq!(kept(&*store, &scribe, &[]).await, []);
    assert_eq!(kept(&*store, &other, &[1, 2, 3]).await, []);
    assert_eq!(kept(&*store, &Scribe::new(3), &[1]).await, []);
}

/// Holds: nodes are kept beside commits that have none, and nowhere else.
pub async fn nodes_are_kept_once(store: Arc<dyn Store>) {
    let (mut scribe, mut other) = (Scribe::new(1), Scribe::new(2));
    for _ in 0..3 {
        scribe.change(&*store, Vec::new()).await;
        other.change(&*store, Vec::new()).await;
    }
    let first = [nodes(1, b"one"), nodes(3, b"three"), nodes(4, b"absent"), nodes(u64::MAX, b"-")];
    store.keep_tree_nodes(scribe.book_id, &first).await.unwrap();
    store.keep_tree_nodes(scribe.book_id, &[]).await.unwrap();
    let again = [nodes(1, b"other"), nodes(2, b"two")];
    store.keep_tree_nodes(scribe.book_id, &again).await.unwrap();
    store.keep_tree_nodes(Scribe::new(3).book_id, &first).await.unwrap();
    scribe.change(&*store, Vec::new()).await;
    let expected = [nodes(1, b"one"), nodes(2, b"two"), nodes(3, b"three")];
    assert_eq!(kept(&*store, &scribe, &[1, 2, 3, 4, 5]).await, expected);
    assert_eq!(kept(&*store, &other, &[1, 2, 3, 4]).await, []);
    let many: Vec<u64> = (1..=5_000).collect();
    assert_eq!(kept(&*store, &scribe, &many).await, expected);
}

/// Holds: whichever commits came with their nodes, as those of an older program do not, and
/// wherever filling up was cut off, the tree that is read is the tree from scratch.
pub async fn the_tree_is_the_one_from_scratch(store: Arc<dyn Store>) {
    const COMMITS: u64 = 70;
    let mut random = Random::new(7);
    for (round, rare) in [1, 2, 9].into_iter().enumerate() {
        let mut scribe = Scribe::new(u32::try_from(round).unwrap() + 1);
        let (mut tree, mut trees, mut expected) = (Frontier::default(), Vec::new(), Vec::new());
        for seq in 1..=COMMITS {
            let mut commit = (*scribe.seal(Vec::new())).clone();
            let completed = tree.append(leaf_hash(&commit.stored.header));
            expected.push(TreeNodes::new(seq, &completed));
            trees.push(tree.clone());
            if random.one_in(rare) {
                commit.nodes.clone_from(&expected.last().unwrap().bytes);
            }
            scribe.write(&*store, Arc::new(commit)).await;
        }
        let part: Vec<TreeNodes> = expected.iter().take(20).cloned().collect();
        store.keep_tree_nodes(scribe.book_id, &part).await.unwrap();
        for (size, tree) in (1..).zip(&trees) {
            assert_eq!(right_edge(&*store, scribe.book_id, size).await.unwrap(), *tree, "{size}");
        }
        let all: Vec<u64> = (1..=COMMITS).collect();
        let found = kept(&*store, &scribe, &all).await;
        for nodes in &found {
            assert_eq!(*nodes, expected[usize::try_from(nodes.seq).unwrap() - 1]);
        }
        assert_eq!(found.len(), expected.len(), "{rare}");
    }
}
