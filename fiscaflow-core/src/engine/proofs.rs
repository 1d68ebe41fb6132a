//! Proofs of a book's history, each against a checkpoint: see `crate::proof`.

use std::ops::Range;

use fiscaflow_verifier as verifier;
use serde::{Deserialize, Serialize};

use super::state::BookState;
use super::{Engine, noun};
use crate::env::Signer;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, TransactionId};
use crate::log::{Hash, StoredCommit};
use crate::model::Role;
use crate::proof::{self, Held, leaf_hash};

/// What names the logs of an engine that has no signer.
const UNSIGNED: &str = "fiscaflow";

/// The history of one moment, in a few bytes to be kept somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Checkpoint {
    /// What names the log: the host's name for its logs, a slash, and the book's id.
    pub origin: String,
    /// How many commits the history had.
    pub size: u64,
    /// The root of the Merkle tree over them (RFC 9162, section 2.1).
    pub root: Hash,
    /// The same as a text (C2SP `tlog-checkpoint`): a signed note where the host has a key, and
    /// the text of one where not.
    pub note: String,
    /// The key that checks the signature, as note tools write it; absent = nobody signed.
    pub key: Option<String>,
}

/// Against which checkpoint to prove.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProofQuery {
    /// The size of a checkpoint that the checker holds; that of the history now where absent.
    pub size: Option<u64>,
}

/// That a commit is in the history of a checkpoint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CommitProof {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The commit's place among the leaves of the tree, from 0.
    pub index: u64,
    /// The commit's header as it is stored: the bytes of the leaf.
    pub header: String,
    /// The hashes from the leaf to the root.
    pub path: Vec<Hash>,
}
crate::model::debug_only!(CommitProof: checkpoint, index);

/// That a commit of a checkpoint's history left a transaction in a state.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransactionProof {
    /// The commit, and that it is in the history.
    pub commit: CommitProof,
    /// The commit's body as it is stored; its SHA-256 stands in the header. It holds the
    /// transaction's facts and the commitment to its texts.
    pub body: String,
    /// The transaction's texts, as JSON; absent = they were erased.
    pub text: Option<String>,
    /// The salt before the texts, in hexadecimal: the SHA-256 of both is the commitment.
    pub salt: Option<String>,
}
crate::model::debug_only!(TransactionProof: commit);

/// Between which checkpoints to prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConsistencyQuery {
    /// The size of the checkpoint that the checker holds.
    pub from_size: u64,
    /// The size of the later one; that of the history now where absent.
    pub to_size: Option<u64>,
}

/// That the history of a checkpoint begins with the history of an earlier one. The earlier root is
/// not told: the checker takes it from the checkpoint that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConsistencyProof {
    /// The later checkpoint.
    pub checkpoint: Checkpoint,
    /// The size of the earlier one.
    pub from_size: u64,
    /// The hashes that lead from the one root to the other.
    pub path: Vec<Hash>,
}

/// A checkpoint that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HeldCheckpoint {
    /// Its text, signed or not.
    pub note: String,
}

noun! {
    /// Proofs of the history, for whoever holds a checkpoint of it. They are checked without the
    /// engine: by the crate `fiscaflow-verifier` and its kin in other languages.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::{HeldCheckpoint, ProofQuery};
    ///
    /// // To be kept where whoever changes the database cannot change it.
    /// let checkpoint = book.proofs().checkpoint().await?;
    /// // Later: an error where the history was rolled back or rewritten since.
    /// let held = HeldCheckpoint { note: checkpoint.note };
    /// book.proofs().check(held).await?;
    /// let proof = book.proofs().inclusion("1".into(), ProofQuery::default()).await?;
    /// assert_eq!(proof.index, 0);
    /// # Ok(()) }
    /// ```
    Proofs
}

impl Proofs<'_> {
    /// The history as it is now.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let state = self.book.authorised(Role::Viewer).await?;
        // The newest commit is read and hashed again before a tree is signed that ends with it.
        let commit = self.commit(state.head.seq).await?;
        Ok(self.included(&state, &commit, None).await?.checkpoint)
    }

    /// That a commit is in the history; `id` is its sequence number.
    pub async fn inclusion(&self, id: String, query: ProofQuery) -> Result<CommitProof> {
        let state = self.book.authorised(Role::Viewer).await?;
        let not_found = || Error::not_found("commit", id.chars().take(64).collect::<String>());
        let seq = id.parse().ok().filter(|seq| (1..=state.head.seq).contains(seq));
        let commit = self.commit(seq.ok_or_else(not_found)?).await?;
        self.included(&state, &commit, query.size).await
    }

    /// What a transaction is, and that the commit that made it so is in the history.
    pub async fn transaction(
        &self,
        id: TransactionId,
        query: ProofQuery,
    ) -> Result<TransactionProof> {
        let state = self.book.authorised(Role::Viewer).await?;
        let store = &self.book.engine.inner.store;
        let found = store.transactions(self.book.book_id, &[id]).await?;
        let stored = found.into_iter().next().ok_or_else(|| Error::not_found("transaction", id))?;
        // A commit that came after the head was read is not proved: it is asked for again.
        if stored.revision > state.head.seq {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on; try again"));
        }
        let commit = self.commit(stored.revision).await?;
        let evidence = commit.evidence_of(id)?.filter(|found| found.transaction == stored);
        let evidence = evidence.ok_or_else(|| {
            Error::corrupt("a stored transaction is not what the history made of it").id(id)
        })?;
        let proof = self.included(&state, &commit, query.size).await?;
        let (salt, text) = evidence.text.unzip();
        let hexadecimal = |salt: [u8; 16]| salt.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(TransactionProof {
            commit: proof,
            body: readable(commit.body)?,
            text,
            salt: salt.map(hexadecimal),
        })
    }

    /// That the history of a checkpoint begins with the history of an earlier one.
    pub async fn consistency(&self, query: ConsistencyQuery) -> Result<ConsistencyProof> {
        let state = self.book.authorised(Role::Viewer).await?;
        let to_size = size_within(&state, "to_size", query.to_size)?;
        if !(1..=to_size).contains(&query.from_size) {
            let text = format!("`from_size` is from 1 to {to_size}");
            return Err(Error::invalid("from_size", text));
        }
        Ok(self.consistent(query.from_size, to_size).await?.1)
    }

    /// That the history begins with that of a checkpoint that somebody holds.
    ///
    /// Errors: `history_rolled_back` where the history is shorter than the checkpoint's,
    /// `history_forked` where it is another one, `invalid_input` for what is no checkpoint of this
    /// book or, where the host has a key, is not signed by it.
    pub async fn check(&self, held: HeldCheckpoint) -> Result<ConsistencyProof> {
        let state = self.book.authorised(Role::Viewer).await?;
        let held = Held::parse(&held.note)?;
        if held.book_id()? != self.book.book_id {
            return Err(Error::invalid("note", "the checkpoint is of another log"));
        }
        if let Some(signer) = &self.book.engine.signer {
            held.check_signature(&**signer).await?;
        }
        let now = state.head.seq;
        held.check_size(now)?;
        let (root, proof) = self.consistent(held.size, now).await?;
        held.check_root(now, root)?;
        Ok(proof)
    }

    /// A commit that is there.
    async fn commit(&self, seq: u64) -> Result<StoredCommit> {
        let store = &self.book.engine.inner.store;
        let before = seq.saturating_sub(1);
        let commits = store.commits(self.book.book_id, before, 1).await?;
        let found = commits.into_iter().next().filter(|commit| commit.seq == seq);
        found.ok_or_else(|| broken(seq))
    }

    /// That a commit is in the tree of that size. Root and path come from one read.
    async fn included(
        &self,
        state: &BookState,
        commit: &StoredCommit,
        size: Option<u64>,
    ) -> Result<CommitProof> {
        let size = size_within(state, "size", size)?;
        if size < commit.seq {
            let text = format!("commit {} came after that checkpoint", commit.seq);
            return Err(Error::invalid("size", text));
        }
        let index = commit.seq.saturating_sub(1);
        let (root, path) = self.read(size, proof::inclusion(index, size)).await?;
        let leaf = leaf_hash(&commit.header);
        let plain = bytes_of(&path);
        if !verifier::check_inclusion(leaf.as_bytes(), index, size, &plain, root.as_bytes()) {
            return Err(broken(commit.seq));
        }
        let checkpoint = self.signed(size, root).await?;
        Ok(CommitProof { checkpoint, index, header: readable(commit.header.clone())?, path })
    }

    /// That one tree begins with the other, and the root of the earlier one.
    async fn consistent(&self, from_size: u64, size: u64) -> Result<(Hash, ConsistencyProof)> {
        let path = proof::consistency(from_size, size).into_iter();
        let ranges = std::iter::once(0..from_size).chain(path);
        let (root, hashes) = self.read(size, ranges).await?;
        let (from_root, path) = hashes.split_first().ok_or_else(|| broken(size))?;
        let (from_root, path) = (*from_root, path.to_vec());
        let (old, new, plain) = (from_root.as_bytes(), root.as_bytes(), bytes_of(&path));
        if !verifier::check_consistency(from_size, old, size, new, &plain) {
            return Err(broken(size));
        }
        let checkpoint = self.signed(size, root).await?;
        Ok((from_root, ConsistencyProof { checkpoint, from_size, path }))
    }

    /// The root of a tree and the hashes over ranges of its leaves, from one read.
    async fn read(
        &self,
        size: u64,
        ranges: impl IntoIterator<Item = Range<u64>>,
    ) -> Result<(Hash, Vec<Hash>)> {
        let all: Vec<Range<u64>> = std::iter::once(0..size).chain(ranges).collect();
        let store = &*self.book.engine.inner.store;
        let mut hashes = proof::hashes(store, self.book.book_id, size, &all).await?.into_iter();
        let root = hashes.next().ok_or_else(|| broken(size))?;
        Ok((root, hashes.collect()))
    }

    async fn signed(&self, size: u64, root: Hash) -> Result<Checkpoint> {
        let signer = self.book.engine.signer.as_deref();
        let origin = origin(signer, self.book.book_id);
        let text = proof::unsigned(&origin, size, root);
        let (note, key) = match signer {
            None => (text, None),
            Some(signer) => {
                let key = proof::verifier_key(&origin, signer);
                (proof::sign(&text, &origin, signer).await?, Some(key))
            }
        };
        Ok(Checkpoint { origin, size, root, note, key })
    }
}

impl Engine {
    /// The same engine with a key that signs checkpoints.
    ///
    /// Errors: `invalid_input` for a name that is empty or has spaces or plus signs.
    pub fn with_signer(mut self, signer: std::sync::Arc<dyn Signer>) -> Result<Self> {
        proof::check_name(signer.name())?;
        self.signer = Some(signer);
        Ok(self)
    }
}

fn origin(signer: Option<&dyn Signer>, book_id: BookId) -> String {
    format!("{}/{book_id}", signer.map_or(UNSIGNED, Signer::name))
}

/// The size of a checkpoint that the history has come to; that of the history where none is given.
fn size_within(state: &BookState, field: &str, size: Option<u64>) -> Result<u64> {
    let newest = state.head.seq;
    match size {
        None => Ok(newest),
        Some(size) if (1..=newest).contains(&size) => Ok(size),
        Some(_) => Err(Error::invalid(field, format!("`{field}` is from 1 to {newest}"))),
    }
}

fn bytes_of(path: &[Hash]) -> Vec<verifier::Digest> {
    path.iter().map(|hash| *hash.as_bytes()).collect()
}

/// The bytes of a header or body, which are JSON.
fn readable(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::corrupt("a commit is no text"))
}

fn broken(seq: u64) -> Error {
    Error::new(ErrorCode::HistoryBroken, "the history does not fit its tree").id(seq)
}
