//! Views that are kept as bytes: a store need not keep any, but what it gives back is whole.

use std::sync::Arc;

use super::scribe::Scribe;
use crate::BookId;
use crate::log::Hash;
use crate::store::{Head, Snapshot, Store};

async fn kept(store: &dyn Store, book_id: BookId) -> Option<Snapshot> {
    store.snapshot(book_id).await.unwrap()
}

fn snapshot(seq: u64, bytes: &[u8]) -> Snapshot {
    Snapshot { head: Head { seq, hash: Hash::of(&[bytes]) }, bytes: bytes.to_vec() }
}

/// Holds: the view that was kept last comes back byte for byte, for its book alone; an older one
/// does not take its place, and a book that is not there keeps none.
pub async fn the_last_view_comes_back_or_none(store: Arc<dyn Store>) {
    let (mut scribe, mut other, absent) = (Scribe::new(1), Scribe::new(2), Scribe::new(3));
    scribe.create(&*store, vec![scribe.transaction("2024-01-01", 1)]).await;
    other.create(&*store, vec![other.transaction("2024-01-01", 1)]).await;
    let book_id = scribe.book_id;
    assert_eq!(kept(&*store, book_id).await, None);

    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
    let (early, first, again) = (snapshot(1, b"early"), snapshot(2, &bytes), snapshot(2, b""));
    store.keep_snapshot(absent.book_id, first.clone()).await.unwrap();
    assert_eq!(kept(&*store, absent.book_id).await, None);

    store.keep_snapshot(book_id, first.clone()).await.unwrap();
    let keeps = kept(&*store, book_id).await.is_some();
    let expected = |snapshot: &Snapshot| keeps.then(|| snapshot.clone());
    assert_eq!(kept(&*store, book_id).await, expected(&first));
    store.keep_snapshot(book_id, early).await.unwrap();
    assert_eq!(kept(&*store, book_id).await, expected(&first));
    store.keep_snapshot(book_id, again.clone()).await.unwrap();
    assert_eq!(kept(&*store, book_id).await, expected(&again));
    assert_eq!(kept(&*store, other.book_id).await, None);
}
