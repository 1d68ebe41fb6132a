//! Erasing: texts, and whatever else may hold them, or all of old commits.
//!
//! What a statement overwrites stays in the files of the database until PostgreSQL uses its place
//! again, and in archives of its log: both are the operator's.

use fiscaflow_core::Result;
use fiscaflow_core::log::{ErasedTexts, Erasure, Object};
use fiscaflow_core::model::Document;
use fiscaflow_core::store::fold;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use super::error::failed;
use super::rows::ORIGINS_OF_ROWS;
use super::statement::{BOOK, of_book, push_select, select};
use crate::damaged;

/// Commits whose texts are read at once: few, since one import may be one large commit.
const COMMITS: usize = 16;

/// Destroys what an erasure names, inside the transaction of the connection. Its own commit is in
/// the history already.
pub(super) async fn destroy(
    connection: &mut PgConnection,
    erasure: &Erasure,
    named: bool,
) -> Result<()> {
    let work = &mut Work { connection, erasure, named };
    let signed = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    match erasure.sealed_until() {
        0 => work.rewrite_texts().await?,
        sealed => work.seal(signed(sealed)).await?,
    }
    if erasure.texts == ErasedTexts::All {
        work.empty_documents().await?;
        work.empty_transactions().await?;
    }
    let stored = &erasure.commit.stored;
    let seq = signed(stored.seq);
    let mut answers = work.update("answers")?;
    answers.push("request_salt = ").push_bind([0_u8; 16].as_slice());
    answers.push(", answer = '' WHERE book_id = $1 AND ").push(BOOK);
    answers.push(" AND seq <= ").push_bind(signed(erasure.last_answer()));
    answers.push(" AND answer <> ''");
    work.run(answers).await?;
    let mut failures = work.update("deliveries")?;
    // A step that was decided before would bring back what it had read.
    failures.push("failure = left(failure, 0), version = version + 1 WHERE book_id = $1 AND ");
    failures.push(BOOK).push(" AND version > 0");
    work.run(failures).await?;
    let mut reasons = work.update("set_aside")?;
    reasons.push("reason = '' WHERE book_id = $1 AND ").push(BOOK);
    work.run(reasons).await?;
    // An empty view is none, and no earlier one takes its place.
    let mut view = of_book(erasure.commit.book_id)?;
    view.push("INSERT INTO fiscaflow.snapshots (book_id, seq, hash, content) SELECT $1, ");
    view.push_bind(seq).push(", ").push_bind(stored.hash.as_bytes().as_slice());
    view.push(", ''::bytea WHERE ").push(BOOK).push(" ON CONFLICT (book_id) DO UPDATE SET ");
    view.push("seq = excluded.seq, hash = excluded.hash, content = excluded.content");
    work.run(view).await?;
    Ok(())
}

struct Work<'a> {
    connection: &'a mut PgConnection,
    erasure: &'a Erasure,
    named: bool,
}

impl Work<'_> {
    fn update(&self, table: &str) -> Result<QueryBuilder<Postgres>> {
        let mut statement = of_book(self.erasure.commit.book_id)?;
        statement.push("UPDATE fiscaflow.").push(table).push(" SET ");
        Ok(statement)
    }

    async fn run(&mut self, mut statement: QueryBuilder<Postgres>) -> Result<Vec<PgRow>> {
        let query = statement.build().persistent(self.named);
        query.fetch_all(&mut *self.connection).await.map_err(failed)
    }

    async fn rewrite_texts(&mut self) -> Result<()> {
        let chosen: Option<Vec<i64>> = match &self.erasure.texts {
            ErasedTexts::These(chosen) => {
                Some(chosen.keys().filter_map(|seq| i64::try_from(*seq).ok()).collect())
            }
            ErasedTexts::All | ErasedTexts::Sealed { .. } => None,
        };
        let mut parts = chosen.as_deref().map(|seqs| seqs.chunks(COMMITS));
        let mut after = 0_i64;
        loop {
            let mut texts = select(self.erasure.commit.book_id, "seq, texts", "commits")?;
            match &mut parts {
                None => {
                    texts.push(" AND seq > ").push_bind(after);
                    texts.push(" ORDER BY seq LIMIT ").push(COMMITS);
                }
                Some(parts) => {
                    let Some(part) = parts.next() else { return Ok(()) };
                    texts.push(" AND seq = ANY(").push_bind(part).push(")");
                }
            }
            let rows = self.run(texts).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let (mut seqs, mut rests) = (Vec::new(), Vec::new());
            for row in rows {
                let seq: i64 = row.try_get(0).map_err(failed)?;
                after = after.max(seq);
                let number = u64::try_from(seq).unwrap_or(u64::MAX);
                let rest = self.erasure.rest_of(number, row.try_get(1).map_err(failed)?)?;
                if let Some(rest) = rest {
                    seqs.push(seq);
                    rests.push(rest);
                }
            }
            if !seqs.is_empty() {
                let mut update = self.update("commits")?;
                update.push("texts = t.texts FROM unnest(").push_bind(seqs).push(", ");
                update.push_bind(rests).push(") AS t(seq, texts) WHERE book_id = $1 AND ");
                update.push(BOOK).push(" AND commits.seq = t.seq");
                self.run(update).await?;
            }
        }
    }

    /// Drops bodies and texts up to a commit, and what lies aside of it, unless sinks wait.
    async fn seal(&mut self, sealed: i64) -> Result<()> {
        let book_id = self.erasure.commit.book_id;
        let mut places = select(book_id, "min(seq)", "deliveries")?;
        places.push(" AND version > 0 UNION ALL ");
        push_select(&mut places, "min(seq) - 1", "set_aside");
        let mut done: Option<i64> = None;
        for row in self.run(places).await? {
            let least: Option<i64> = row.try_get(0).map_err(failed)?;
            done = done.into_iter().chain(least).min();
        }
        let done = done.map(|done| u64::try_from(done).unwrap_or_default());
        self.erasure.check_delivered(done)?;
        let mut commits = self.update("commits")?;
        commits.push("body = '', texts = '' WHERE book_id = $1 AND ").push(BOOK);
        commits.push(" AND seq <= ").push_bind(sealed).push(" AND body <> ''");
        self.run(commits).await?;
        let mut aside = of_book(book_id)?;
        aside.push("DELETE FROM fiscaflow.set_aside WHERE book_id = $1 AND ").push(BOOK);
        aside.push(" AND seq <= ").push_bind(sealed);
        self.run(aside).await?;
        Ok(())
    }

    async fn empty_documents(&mut self) -> Result<()> {
        let book_id = self.erasure.commit.book_id;
        let rows = self.run(select(book_id, "kind, key, content", "documents")?).await?;
        let (mut kinds, mut keys, mut contents) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let kind: &str = row.try_get(0).map_err(failed)?;
            let content: &str = row.try_get(2).map_err(failed)?;
            let document = Document::decode(kind.parse()?, content.as_bytes())?;
            let Object::Document(bare) = Object::from(document).without_texts()? else { continue };
            let content = String::from_utf8(bare.encode()?);
            contents.push(content.map_err(|_| damaged("a document is not a text"))?);
            kinds.push(kind);
            keys.push(row.try_get::<&str, _>(1).map_err(failed)?);
        }
        let mut update = self.update("documents")?;
        update.push("content = d.content FROM unnest(").push_bind(kinds).push(", ");
        update.push_bind(keys).push(", ").push_bind(contents);
        update.push(") AS d(kind, key, content) WHERE book_id = $1 AND ").push(BOOK);
        update.push(" AND documents.kind = d.kind AND documents.key = d.key");
        self.run(update).await?;
        Ok(())
    }

    /// What [`Object::without_texts`] makes of transactions, in three statements.
    async fn empty_transactions(&mut self) -> Result<()> {
        let mut update = self.update("transactions")?;
        update.push("description = '', payee = NULL, tags = NULL, notes = NULL, search = ");
        update.push_bind(fold("\n\n")).push(", reference = NULL, external_id = NULL, ");
        // Byte for byte as `crate::rows` writes parts: a verification compares the texts.
        update.push("attachments = NULL, metadata = NULL, splits = (SELECT '[' || string_agg(");
        update.push("'{\"minor\":' || (part ->> 'minor') || coalesce(',\"category\":\"' || ");
        update.push("(part ->> 'category') || '\"', '') || '}', ',' ORDER BY place) || ']' ");
        update.push("FROM jsonb_array_elements(splits::jsonb) WITH ORDINALITY ");
        update.push("AS parts(part, place)) ");
        update.push("WHERE book_id = $1 AND ").push(BOOK);
        self.run(update).await?;
        let mut origins = self.update("origins")?;
        origins.push("bank_id = NULL, fingerprint = '' WHERE book_id = $1 AND ").push(BOOK);
        self.run(origins).await?;
        let mut of_rows = self.update("transactions")?;
        of_rows.push("origins = ").push(ORIGINS_OF_ROWS).push(" WHERE book_id = $1 AND ");
        of_rows.push(BOOK).push(" AND origins IS NOT NULL");
        self.run(of_rows).await?;
        Ok(())
    }
}
