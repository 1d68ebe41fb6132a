//! What a person chose: whatever rules, the model and imports do, in whatever order, it stays.

use std::collections::BTreeMap;

use fiscaflow_core::TransactionId;
use fiscaflow_core::engine::BookHandle;
use fiscaflow_core::model::{NewRule, Rule, Source, SourceKind, Transaction};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::trying::{all, book, file, new, rules, transactions};
use super::{Home, any, shape};

/// One thing that happens to a book: what, and two numbers that say to what and how.
type Step = (u8, usize, usize);

/// The steps that are a person's word on transactions, or take whole ones away.
const BY_A_PERSON: std::ops::Range<u8> = 9..14;
const UNDO: u8 = 8;

/// A field of a transaction that a person set, as it is: values and who set them.
type Chosen = BTreeMap<(TransactionId, &'static str), Value>;

/// What persons chose. Notes of a person may be added to, so only the text is kept.
fn chosen(all: &[Transaction]) -> Chosen {
    let by_user = |source: &Option<Source>| {
        source.as_ref().is_some_and(|source| source.kind == SourceKind::User)
    };
    let mut chosen = Chosen::new();
    for it in all {
        let fields = [
            ("sorted", &it.category_source, json!([it.category_id, it.splits])),
            ("payee", &it.payee_source, json!(it.payee)),
            ("tags", &it.tags_source, json!(it.tags)),
            ("status", &it.status_source, json!(it.status)),
            ("notes", &it.notes_source, json!(it.notes)),
            ("schedule", &it.schedule_source, json!(it.schedule_id)),
            ("goal", &it.goal_source, json!(it.goal_id)),
        ];
        for (field, source, value) in fields {
            if by_user(source) {
                chosen.insert((it.id, field), value);
            }
        }
    }
    chosen
}

/// The first choice of which something else was made; `None` where all stay. A transaction that is
/// gone has no say where an import was undone.
fn broken(before: &Chosen, after: &[Transaction], undone: bool) -> Option<String> {
    let now = chosen(after);
    let stays = |(id, field): &(TransactionId, &'static str), value: &Value| {
        if !after.iter().any(|it| it.id == *id) {
            return undone;
        }
        match now.get(&(*id, *field)) {
            Some(now) if *field == "notes" => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                text(now).contains(&text(value))
            }
            now => now == Some(value),
        }
    };
    let broken = before.iter().find(|(key, value)| !stays(key, value));
    broken.map(|((id, field), value)| format!("{field} of {id} was {value}"))
}

/// A book to which things happen, whether they are allowed or not.
struct Life {
    book: BookHandle,
    rules: Vec<Rule>,
    transactions: Vec<Transaction>,
}

impl Life {
    async fn happen(&self, (what, which, how): Step) {
        let book = &self.book;
        let own = book.rules().list().await.unwrap();
        match what {
            0 | 1 => {
                if let Some(rule) = self.rules.get(which % self.rules.len().max(1)) {
                    let _ = book.rules().create(NewRule::from(rule)).await;
                }
            }
            2 => {
                if let Some(rule) = own.get(which % own.len().max(1)) {
                    let patch = json!({"priority": how, "enabled": how % 3 != 0});
                    book.rules().update(rule.id, shape(patch)).await.unwrap();
                }
            }
            3 => {
                if let Some(rule) = own.get(which % own.len().max(1)) {
                    book.rules().delete(rule.id).await.unwrap();
                }
            }
            4 => {
                book.rules().apply().await.unwrap();
            }
            5 => {
                let payee = || shape(json!({"text": "rewe"}));
                match how % 4 {
                    0 => drop(book.suggestions().forget(payee()).await.unwrap()),
                    1 => drop(book.suggestions().remember(payee()).await.unwrap()),
                    _ => {}
                }
                book.suggestions().apply(shape(json!({}))).await.unwrap();
            }
            6 => {
                book.transfers().link(shape(json!({}))).await.unwrap();
            }
            7 => {
                let from = which % self.transactions.len();
                book.imports().create(file(&self.transactions[from..])).await.unwrap();
            }
            UNDO => {
                let imports = book.imports().list().await.unwrap();
                if let Some(import) = imports.get(which % imports.len().max(1)) {
                    let _ = book.imports().undo(import.id).await;
                }
            }
            _ => self.choose((what, which, how)).await,
        }
    }

    async fn choose(&self, (what, which, how): Step) {
        let transactions = self.book.transactions();
        let all = all(&self.book).await;
        if what == 9 {
            let it = &self.transactions[which % self.transactions.len()];
            transactions.create(new(it)).await.unwrap();
            return;
        }
        let Some(it) = all.get(which % all.len().max(1)) else { return };
        let category = any::category_id(u128::try_from(how % 4).unwrap());
        let pick = |list: &[&'static str]| list[how % list.len()];
        let patch = match what {
            10 => json!({"category_id": category, "payee": pick(&["rewe", "Cafe"])}),
            11 => {
                let tags = if how > 9 { vec![] } else { vec!["own"] };
                json!({"tags": tags, "notes": pick(&["mine", "rewe"])})
            }
            12 => json!({"clear": [pick(&["category", "payee", "notes"])]}),
            _ => json!({"status": pick(&["pending", "posted", "disputed", "void"])}),
        };
        let _ = transactions.update(it.id, shape(patch)).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 5_000 } else { 40 }
    ))]

    /// Rules made, changed, removed and applied, what was learned, transfers found, files imported
    /// and undone: none of it changes a category, parts, a payee, tags or a status that a person
    /// gave or took away, and notes of a person are only added to.
    #[test]
    fn what_a_person_chose_stays(
        rules in rules(),
        transactions in transactions(),
        steps in prop::collection::vec((0..BY_A_PERSON.end, 0..40_usize, 0..12_usize), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let book = book(&Home::new().await, &rules, &transactions).await;
            book.update(shape(json!({"learn": true, "learn_threshold": 1}))).await.unwrap();
            let life = Life { book, rules, transactions };
            let mut before = chosen(&all(&life.book).await);
            for step in steps {
                life.happen(step).await;
                let after = all(&life.book).await;
                if !BY_A_PERSON.contains(&step.0) {
                    let broken = broken(&before, &after, step.0 == UNDO);
                    prop_assert!(broken.is_none(), "{step:?}: {broken:?}");
                }
                before = chosen(&after);
            }
            Ok(())
        })?;
    }
}
