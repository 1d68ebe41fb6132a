//! What does not fit, in words: which fields, since which commit. No value is told.

use std::collections::{BTreeMap, HashMap};

use super::shelf::{self, Doubt, Given, Name, Shelf, name_of};
use super::{Kept, KeptPart, KeptRow, MAX_FINDINGS, Object, Store};
use crate::error::{Lane, Result};
use crate::id::BookId;
use crate::log::Finding;

/// Looks up what the history says of objects, and what rows say.
pub(super) struct Explainer<'a> {
    store: &'a dyn Store,
    book_id: BookId,
    given: &'a Given,
}

/// One of them.
struct Odd {
    name: Name,
    doubt: Doubt,
    /// How the history left it: of an answer its key alone.
    object: Option<Object>,
    key: Option<String>,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(store: &'a dyn Store, book_id: BookId, given: &'a Given) -> Self {
        Self { store, book_id, given }
    }

    /// The first findings, and how many there are.
    pub(super) async fn explain(
        &mut self,
        shelves: [&Shelf; 3],
        mut findings: Vec<Finding>,
    ) -> Result<(Vec<Finding>, u64)> {
        let mut found: Vec<(&Name, &Doubt)> =
            shelves.iter().flat_map(|shelf| shelf.decided()).collect();
        let count = found.len().saturating_add(findings.len());
        let since = |doubt: &Doubt| doubt.expected.map_or(u64::MAX, |last| last.seq);
        found.sort_by_key(|(name, doubt)| (since(doubt), **name));
        let mut odd: Vec<Odd> = found
            .into_iter()
            .take(MAX_FINDINGS)
            .map(|(name, doubt)| Odd { name: *name, doubt: doubt.clone(), object: None, key: None })
            .collect();
        self.read_history(&mut odd).await?;
        let rows = self.read_rows(&odd).await?;
        for odd in &odd {
            findings.push(self.finding(odd, rows.get(&odd.name))?);
        }
        findings.sort_by_key(|it| (it.since.unwrap_or(u64::MAX), it.kind.clone(), it.id.clone()));
        findings.truncate(MAX_FINDINGS);
        Ok((findings, u64::try_from(count).unwrap_or(u64::MAX)))
    }

    /// How the commits left the objects.
    async fn read_history(&self, odd: &mut [Odd]) -> Result<()> {
        let mut by_seq: BTreeMap<u64, Vec<&mut Odd>> = BTreeMap::new();
        for odd in odd {
            if let Some(last) = odd.doubt.expected {
                by_seq.entry(last.seq).or_default().push(odd);
            }
        }
        for (seq, odd) in by_seq {
            let before = seq.saturating_sub(1);
            let Some(commit) = self.store.commits(self.book_id, before, 1).await?.pop() else {
                continue;
            };
            // It may have been sealed just now.
            if commit.is_sealed() {
                continue;
            }
            let opened = commit.open()?;
            let key = opened.answered().map(|(key, ..)| key.to_owned());
            let key_name = key.as_ref().map(|key| name_of("answer", key));
            let after = opened.changes.into_iter().filter_map(|change| change.after);
            let mut left: HashMap<Name, Object> =
                after.map(|object| (shelf::of_object(&object), object)).collect();
            for odd in odd {
                odd.object = left.remove(&odd.name);
                odd.key = key.clone().filter(|_| key_name == Some(odd.name));
            }
        }
        Ok(())
    }

    /// The rows as they stand now, by their names.
    async fn read_rows(&self, odd: &[Odd]) -> Result<HashMap<Name, KeptRow>> {
        let mut rows = Vec::new();
        if odd.is_empty() {
            return Ok(HashMap::new());
        }
        let names = || odd.iter().map(|odd| odd.name);
        // Of names that are no transaction's there is no row.
        let ids = names().map(|name| shelf::transaction(&name)).collect();
        for part in [KeptPart::These(ids), KeptPart::Documents] {
            match self.store.kept(self.book_id, &part).await {
                // That they cannot be read is told already.
                Err(error) if error.lane() == Lane::Corrupt => {}
                found => rows.extend(found?),
            }
        }
        for odd in odd {
            let row = odd.doubt.row.as_ref().filter(|(kind, _)| kind == "answer");
            let Some(key) = odd.key.as_ref().or(row.map(|(_, key)| key)) else { continue };
            let content = match self.store.answered(self.book_id, key).await {
                Err(error) if error.lane() == Lane::Corrupt => None,
                found => match found? {
                    Some(answered) => Some(Kept::Answer(answered)),
                    None => continue,
                },
            };
            let (kind, id) = ("answer".to_owned(), key.clone());
            rows.push(KeptRow { kind, id, content, odd: Vec::new() });
        }
        let named = rows.into_iter().map(|row| (name_of(&row.kind, &row.id), row));
        Ok(named.filter(|(name, _)| names().any(|it| it == *name)).collect())
    }

    fn finding(&self, odd: &Odd, row: Option<&KeptRow>) -> Result<Finding> {
        let since = odd.doubt.expected.map(|last| last.seq);
        let (kind, id) = match (&odd.object, &odd.key, &odd.doubt.row) {
            (Some(object), _, _) => (object.kind().to_owned(), object.key()),
            (None, Some(key), _) => ("answer".to_owned(), key.clone()),
            (None, None, Some(row)) => row.clone(),
            (None, None, None) => ("object".to_owned(), String::new()),
        };
        let seq = since.unwrap_or_default();
        let (mut fields, mut problem) = (Vec::new(), String::new());
        match row {
            None if since.is_none() => problem.push_str("was there, and no commit left it"),
            None => problem = format!("is missing: commit {seq} left one"),
            Some(_) if since.is_none() => problem.push_str("is there, and no commit left it"),
            Some(row) if row.content.is_none() => problem.push_str("cannot be read"),
            Some(row) => {
                fields = self.differing(odd, row)?;
                problem = match fields.is_empty() {
                    true => format!("was other than commit {seq} left it"),
                    false => format!("is other than commit {seq} left it: {}", quoted(&fields)),
                };
            }
        }
        let problem = format!("{kind} `{id}` {problem}");
        Ok(Finding { since, kind, id, fields, problem })
    }

    /// The fields and columns in which a row differs.
    fn differing(&self, odd: &Odd, row: &KeptRow) -> Result<Vec<String>> {
        let mut fields = match (&row.content, &odd.object) {
            (Some(Kept::Document(document)), Some(object)) => {
                object.differs_in(&Object::Document((**document).clone()))?
            }
            (Some(Kept::Transaction(transaction)), Some(object)) => {
                object.differs_in(&Object::Transaction(transaction.clone()))?
            }
            (Some(Kept::Answer(answered)), _) => {
                let expected = odd.doubt.expected;
                let mut fields = Vec::new();
                if expected.is_some_and(|last| last.seq != answered.seq) {
                    fields.push("seq".to_owned());
                }
                let seq = expected.map_or(answered.seq, |last| last.seq);
                let digest = shelf::answer_digest(seq, answered.request_digest);
                if expected.is_some_and(|last| last.digest != digest) {
                    fields.push("request_digest".to_owned());
                }
                if !self.given.fits(&row.id, answered) {
                    fields.push("answer".to_owned());
                }
                fields
            }
            _ => Vec::new(),
        };
        let more = row.odd.iter().filter(|name| !fields.iter().any(|field| field == *name));
        let more: Vec<String> = more.map(|name| (*name).to_owned()).collect();
        fields.extend(more);
        fields.sort_unstable();
        Ok(fields)
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Rows of origins that belong to no transaction, or are not numbered as they should be.
pub(super) fn of_origins(row: &KeptRow) -> Finding {
    let problem = match row.odd.is_empty() {
        true => "are there, and the transaction is not",
        false => "are not those of the transaction",
    };
    Finding {
        since: None,
        kind: row.kind.clone(),
        id: row.id.clone(),
        fields: row.odd.iter().map(|name| (*name).to_owned()).collect(),
        problem: format!("origins of transaction `{}` {problem}", row.id),
    }
}

/// Rows that the store cannot read.
pub(super) fn unreadable(kind: &str) -> Finding {
    Finding {
        since: None,
        kind: kind.to_owned(),
        id: String::new(),
        fields: Vec::new(),
        problem: format!("the rows of kind `{kind}` cannot be read"),
    }
}
