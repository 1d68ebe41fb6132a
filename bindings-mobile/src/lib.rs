//! FiscaFlow for Kotlin and Swift.
//!
//! A thin layer over the core: `engine` opens a store and says who acts, `verbs` hangs the core's
//! verbs on objects, `types` has the shapes that they take and give, `progress` the listener of
//! what takes long, `copies` backups and copies of books, `delivery` relays and inboxes, `errors`
//! the three lanes. `verbs` and `types` are generated from the core's own table and schemas, so
//! that nothing here can say something else than the core. What Kotlin and Swift see is made from
//! this by uniffi.

mod copies;
mod delivery;
mod engine;
mod errors;
mod progress;
mod types;
mod verbs;
mod wire;

pub use copies::{Backup, Copied, restore};
pub use delivery::{EventSink, Inbox, Outgoing, Relay, RelayOptions, Round, Undelivered};
pub use engine::{CallContext, Engine};
pub use errors::{FiscaFlowError, Lane, Result};
pub use progress::ProgressListener;
pub use types::*;
pub use verbs::*;

uniffi::setup_scaffolding!("fiscaflow");
