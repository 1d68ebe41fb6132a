//! Erasing: texts, and whatever else may hold them, or all of old commits; and the bytes that
//! nothing refers to.
//!
//! What a statement overwrites stays in the file until its place is used again, and in the log
//! until that is folded into the file. So what was erased is out of both only once the file was
//! written anew and the log was cut off.

use std::time::Duration;

use fiscaflow_core::log::{ErasedTexts, Erasure, Object};
use fiscaflow_core::model::Document;
use fiscaflow_core::store::fold;
use fiscaflow_core::{Error, ErrorCode, Result};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::batch::Batch;
use super::error::failed;
use super::{SqliteStore, documents, rows};

/// Commits whose texts are read at once: few, since one import may be one large commit.
const COMMITS: i64 = 16;
/// How often, and after which pause, it is tried to cut the log off: readers may be using it.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Destroys what an erasure names, inside the transaction of the connection. Its own commit is in
/// the history already.
pub(super) async fn destroy(connection: &mut SqliteConnection, erasure: &Erasure) -> Result<()> {
    let (book, stored) = (erasure.commit.book_id.uuid(), &erasure.commit.stored);
    let signed = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let (seq, sealed) = (signed(stored.seq), signed(erasure.sealed_until()));
    if sealed > 0 {
        seal(connection, erasure, sealed).await?;
    } else {
        rewrite_texts(connection, erasure).await?;
    }
    if erasure.texts == ErasedTexts::All {
        empty_documents(connection, erasure).await?;
        empty_transactions(connection, erasure).await?;
    }
    let statements = [
        "UPDATE answers SET request_salt = zeroblob(16), answer = x'' \
         WHERE book_id = ?1 AND seq <= ?4 AND answer <> x''",
        // A step that was decided before would bring back what it had read.
        "UPDATE deliveries SET failure = substr(failure, 1, 0), version = version + 1 \
         WHERE book_id = ?1 AND version > 0",
        "UPDATE set_aside SET reason = '' WHERE book_id = ?1",
        // An empty view is none, and no earlier one takes its place.
        "INSERT OR REPLACE INTO snapshots (book_id, seq, hash, content) VALUES (?1, ?2, ?3, x'')",
    ];
    for statement in statements {
        sqlx::query(statement)
            .bind(book.as_bytes().as_slice())
            .bind(seq)
            .bind(stored.hash.as_bytes().as_slice())
            .bind(signed(erasure.last_answer()))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Drops bodies and texts up to a commit, and what lies aside of it, unless sinks wait.
async fn seal(connection: &mut SqliteConnection, erasure: &Erasure, sealed: i64) -> Result<()> {
    let book = erasure.commit.book_id.uuid();
    let done: Option<i64> = sqlx::query_scalar(
        "SELECT min(seq) FROM (\
           SELECT seq FROM deliveries WHERE book_id = ?1 AND version > 0 \
           UNION ALL SELECT seq - 1 FROM set_aside WHERE book_id = ?1)",
    )
    .bind(book.as_bytes().as_slice())
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    erasure.check_delivered(done.map(|done| u64::try_from(done).unwrap_or_default()))?;
    for statement in [
        "UPDATE commits SET body = x'', texts = x'' \
         WHERE book_id = ? AND seq <= ? AND body <> x''",
        "DELETE FROM set_aside WHERE book_id = ? AND seq <= ?",
    ] {
        sqlx::query(statement)
            .bind(book.as_bytes().as_slice())
            .bind(sealed)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn rewrite_texts(connection: &mut SqliteConnection, erasure: &Erasure) -> Result<()> {
    let book = erasure.commit.book_id.uuid();
    let mut chosen = match &erasure.texts {
        ErasedTexts::These(chosen) => Some(chosen.keys()),
        ErasedTexts::All | ErasedTexts::Sealed { .. } => None,
    };
    let mut after = 0_u64;
    loop {
        // One commit that is named, or some of all.
        let (first, limit) = match &mut chosen {
            None => (after.saturating_add(1), COMMITS),
            Some(seqs) => match seqs.next() {
                None => return Ok(()),
                Some(seq) => (*seq, 1),
            },
        };
        let rows = sqlx::query(
            "SELECT seq, texts FROM commits WHERE book_id = ? AND seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(book.as_bytes().as_slice())
        .bind(i64::try_from(first).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let seq: i64 = row.try_get(0).map_err(failed)?;
            after = u64::try_from(seq).unwrap_or(u64::MAX);
            let Some(rest) = erasure.rest_of(after, row.try_get(1).map_err(failed)?)? else {
                continue;
            };
            sqlx::query("UPDATE commits SET texts = ? WHERE book_id = ? AND seq = ?")
                .bind(rest)
                .bind(book.as_bytes().as_slice())
                .bind(seq)
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
        }
    }
}

async fn empty_documents(connection: &mut SqliteConnection, erasure: &Erasure) -> Result<()> {
    let book_id = erasure.commit.book_id;
    let rows = sqlx::query("SELECT kind, content FROM documents WHERE book_id = ?")
        .bind(book_id.uuid().as_bytes().as_slice())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for row in rows {
        let (kind, content): (&str, &str) =
            (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        let document = Document::decode(kind.parse()?, content.as_bytes())?;
        if let Object::Document(bare) = Object::from(document).without_texts()? {
            let mut batch = Batch::default();
            documents::put(&mut batch, book_id, &[&bare])?;
            batch.run(connection).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// What [`Object::without_texts`] makes of transactions, in three statements.
async fn empty_transactions(connection: &mut SqliteConnection, erasure: &Erasure) -> Result<()> {
    let book = erasure.commit.book_id.uuid();
    sqlx::query(
        "UPDATE transactions SET description = '', payee = NULL, tags = NULL, notes = NULL, \
           search = ?, reference = NULL, external_id = NULL, attachments = NULL, \
           metadata = NULL, splits = CASE WHEN splits IS NULL THEN NULL ELSE ( \
             SELECT json_group_array(json_remove(value, '$.notes')) \
             FROM json_each(transactions.splits)) END \
         WHERE book_id = ?",
    )
    .bind(fold("\n\n"))
    .bind(book.as_bytes().as_slice())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let of_rows = format!(
        "UPDATE transactions SET origins = {} WHERE book_id = ? AND origins IS NOT NULL",
        rows::ORIGINS_OF_ROWS
    );
    let origins = "UPDATE origins SET bank_id = NULL, fingerprint = '' WHERE book_id = ?";
    for update in [origins, &of_rows] {
        sqlx::query(AssertSqlSafe(update))
            .bind(book.as_bytes().as_slice())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Writes the file anew and cuts the log off, whatever becomes of the caller.
pub(super) async fn scrub(store: &SqliteStore) -> Result<()> {
    if store.in_memory {
        return Ok(());
    }
    let store = store.clone();
    crate::uncancelled(async move {
        // A connection of its own: as a copy in memory the file may be too large.
        let mut connection = store.writer.options().connect().await.map_err(failed)?;
        let scrubbed = rewrite(&mut connection).await;
        connection.close().await.map_err(failed)?;
        scrubbed
    })
    .await
}

async fn rewrite(connection: &mut SqliteConnection) -> Result<()> {
    for statement in ["PRAGMA temp_store = FILE", "VACUUM"] {
        sqlx::query(statement).execute(&mut *connection).await.map_err(failed)?;
    }
    for _ in 0..TRIES {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if row.try_get::<i64, _>(0).map_err(failed)? == 0 {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let text = "what was erased is still in the log of the database, which others use; try again";
    Err(Error::new(ErrorCode::StoreUnavailable, text))
}
