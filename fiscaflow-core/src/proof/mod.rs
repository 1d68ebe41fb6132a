//! Proofs of the history: the tree over a book's commits, and checkpoints of it.
//!
//! The leaves of the tree (RFC 9162, section 2.1) are the commits, in their order; a leaf's bytes
//! are the commit's header as it is stored, which names the body and through it the texts. A node
//! of the tree is complete once the last leaf below it is there, and never changes again: so each
//! commit is stored beside the nodes that it completes, two of them on average. A root and a path
//! are made of some twenty of them, whatever the size; all of it is derived from the headers.
//!
//! What checks proofs is in the crate `fiscaflow-verifier`, which knows nothing of the engine. No
//! proof leaves the engine that it does not accept.

mod checkpoint;
mod kept;
mod tree;

pub(crate) use checkpoint::{Held, check_name, sign, unsigned, verifier_key};
pub(crate) use kept::{hashes, right_edge};
pub use tree::{Frontier, leaf_hash};
pub(crate) use tree::{consistency, inclusion};
