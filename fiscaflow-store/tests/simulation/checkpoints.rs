//! Checkpoints that somebody holds: whatever is erased or sealed since, every later history proves
//! that it begins with theirs, and that every commit is in it.

use std::collections::BTreeMap;

use fiscaflow_core::BookId;
use fiscaflow_core::engine::{Context, Engine, HeldCheckpoint, ProofQuery};
use fiscaflow_core::log::Hash;
use fiscaflow_verifier::{Digest, check_consistency, check_inclusion, leaf_hash, node_hash};
use tokio::runtime::Runtime;

use super::facts::{Checked, Facts, broken, holds};

/// What is held of both books: notes by the sizes of their histories.
#[derive(Default)]
pub struct Checkpoints(BTreeMap<(BookId, u64), String>);

/// The root of a tree over some leaves (RFC 9162, section 2.1.1).
fn root_of(leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

fn plain(path: &[Hash]) -> Vec<Digest> {
    path.iter().map(|hash| *hash.as_bytes()).collect()
}

impl Checkpoints {
    /// Holds a book to every checkpoint of before, and takes another one.
    pub fn check(&mut self, runtime: &Runtime, engine: &Engine, facts: &Facts) -> Checked {
        let Some(owner) = facts.owner() else { return Ok(()) };
        let book = engine.book(facts.id, Context::new(owner));
        let (proofs, size) = (book.proofs(), facts.seq());
        let now = match runtime.block_on(proofs.checkpoint()) {
            Ok(now) => now,
            Err(error) => return broken("proofs", error.to_string()),
        };
        let leaves = facts.read.iter().map(|read| leaf_hash(&read.commit.stored.header));
        let leaves: Vec<Digest> = leaves.collect();
        let root = root_of(&leaves);
        holds(now.size == size && *now.root.as_bytes() == root, "proofs", || {
            format!("{now:?} is another tree")
        })?;
        self.0.insert((facts.id, size), now.note);
        for ((_, held), note) in self.0.range((facts.id, 0)..=(facts.id, size)) {
            let at = usize::try_from(*held).unwrap();
            let note = HeldCheckpoint { note: note.clone() };
            let follows = runtime.block_on(proofs.check(note)).is_ok_and(|it| {
                let (old, path) = (root_of(&leaves[..at]), plain(&it.path));
                check_consistency(*held, &old, size, &root, &path)
            });
            holds(follows, "proofs", || format!("{size} commits do not follow {held}"))?;
            // The last of its commits, and one that may be sealed.
            for index in [held - 1, held / 3] {
                let (id, query) = ((index + 1).to_string(), ProofQuery { size: Some(*held) });
                let is_in = runtime.block_on(proofs.inclusion(id, query)).is_ok_and(|it| {
                    let (leaf, path) = (leaf_hash(it.header.as_bytes()), plain(&it.path));
                    check_inclusion(&leaf, index, *held, &path, &root_of(&leaves[..at]))
                });
                holds(is_in, "proofs", || format!("commit {} is not in {held}", index + 1))?;
            }
        }
        Ok(())
    }
}
