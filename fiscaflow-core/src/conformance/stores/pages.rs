//! Lists: their order, their pages and their filters.

use std::sync::Arc;

use super::scribe::{Scribe, euro};
use crate::log::Change;
use crate::model::{Source, SourceKind, Split, Status, Transaction};
use crate::money::Money;
use crate::store::{PageRequest, Position, Store, TransactionQuery};
use crate::{AccountId, CategoryId, GoalId, ScheduleId, TransactionId};

fn position(transaction: &Transaction) -> Position {
    Position { booking_date: transaction.booking_date, id: transaction.id }
}

/// What the contract asks for: the selected ones, newest first, after a position.
fn expected(all: &[Transaction], request: &PageRequest) -> Vec<TransactionId> {
    let mut selected: Vec<&Transaction> =
        all.iter().filter(|transaction| request.query.selects(transaction)).collect();
    selected.sort_by_key(|transaction| std::cmp::Reverse(position(transaction)));
    selected.retain(|one| request.after.is_none_or(|after| position(one) < after));
    let limit = usize::try_from(request.limit).unwrap();
    selected.into_iter().take(limit).map(|transaction| transaction.id).collect()
}

async fn ids(store: &dyn Store, scribe: &Scribe, request: &PageRequest) -> Vec<TransactionId> {
    let page = store.page(scribe.book_id, request).await.unwrap();
    page.iter().map(|transaction| transaction.id).collect()
}

/// Asserts that a query lists these, at once and in pages of two.
#[track_caller]
fn same(found: &[TransactionId], expected: &[TransactionId], what: &str) {
    assert_eq!(found, expected, "{what}");
}

async fn check(store: &dyn Store, scribe: &Scribe, all: &[Transaction], query: TransactionQuery) {
    let shown = serde_json::to_string(&query).unwrap();
    let mut request = PageRequest { query, after: None, limit: 1_000 };
    let whole = expected(all, &request);
    same(&ids(store, scribe, &request).await, &whole, &shown);
    request.limit = 2;
    let mut walked = Vec::new();
    loop {
        let page = store.page(scribe.book_id, &request).await.unwrap();
        let Some(last) = page.last() else { break };
        request.after = Some(position(last));
        walked.extend(page.iter().map(|transaction| transaction.id));
        assert!(walked.len() <= all.len(), "pages of two do not end: {shown}");
    }
    same(&walked, &whole, &shown);
}

/// Some forty transactions that differ in whatever a filter looks at, several to a day.
fn varied(scribe: &Scribe) -> Vec<Transaction> {
    let other_account = AccountId::new(scribe.uuid());
    let categories = [CategoryId::new(scribe.uuid()), CategoryId::new(scribe.uuid())];
    let (schedule, goal) = (ScheduleId::new(scribe.uuid()), GoalId::new(scribe.uuid()));
    let part = |minor, category_id| Split {
        amount: Money::from_minor(minor, euro()),
        category_id,
        notes: None,
    };
    let statuses =
        [Status::Posted, Status::Pending, Status::Reconciled, Status::Void, Status::Disputed];
    (0..42_usize)
        .map(|number| {
            let mut one = scribe.transaction(&format!("2024-01-{:02}", 1 + number % 7), 0);
            one.status = statuses[number % 5];
            one.deleted = number % 11 == 0;
            one.description = format!("row {number} Kaufland");
            one.category_source = match number % 3 {
                0 => Some(Source::user()),
                1 => Some(Source::learned(90)),
                _ => None,
            };
            if number % 2 == 0 {
                one.account_id = other_account;
                one.payee = Some("Bäckerei Müller".to_owned());
            }
            match number % 4 {
                0 => one.category_id = Some(categories[0]),
                1 => one.category_id = Some(categories[1]),
                2 => one.splits = vec![part(1, Some(categories[0])), part(-1, None)],
                _ => {}
            }
            one.schedule_id = (number % 5 == 0).then_some(schedule);
            one.goal_id = (number % 8 == 0).then_some(goal);
            if number % 6 == 0 {
                one.tags = vec!["holiday".to_owned(), "shared".to_owned()];
                one.notes = Some("Rückgabe".to_owned());
            }
            one
        })
        .collect()
}

/// Holds: newest first by date, then by id; walking page by page meets each exactly once.
pub async fn pages_follow_date_and_id_through_ties(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut transactions = varied(&scribe);
    // Ids of no order, so that the order of writing says nothing.
    for (number, transaction) in transactions.iter_mut().enumerate() {
        let bits = (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        transaction.id = TransactionId::new(uuid::Uuid::from_u128(bits));
    }
    let all = scribe.create(&*store, transactions).await;
    let everything = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    check(&*store, &scribe, &all, everything.clone()).await;
    let request = PageRequest { query: everything, after: None, limit: 100 };
    let page = store.page(scribe.book_id, &request).await.unwrap();
    assert_eq!(page.len(), all.len());
    for transaction in &page {
        assert!(all.contains(transaction), "a list shows whole transactions");
    }
}

/// Holds: a page has at most `limit` entries, for every limit.
pub async fn limits_of_nothing_one_all_and_more(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let transactions = (0..5).map(|minor| scribe.transaction("2024-01-01", minor)).collect();
    let all = scribe.create(&*store, transactions).await;
    for limit in [0, 1, 4, 5, 6, 500, u32::MAX] {
        let request = PageRequest { query: TransactionQuery::default(), after: None, limit };
        let found = ids(&*store, &scribe, &request).await;
        assert_eq!(found, expected(&all, &request), "limit {limit}");
        assert_eq!(found.len(), usize::try_from(limit).unwrap().min(5), "limit {limit}");
    }
}

/// Holds: a list goes on after a position whose transaction is gone, or never was.
pub async fn a_position_need_not_be_a_transaction(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let days = ["2024-01-01", "2024-01-03", "2024-01-03", "2024-01-05"];
    let transactions = days.map(|day| scribe.transaction(day, 0)).to_vec();
    let all = scribe.create(&*store, transactions).await;
    let lowest = TransactionId::new(uuid::Uuid::nil());
    let highest = TransactionId::new(uuid::Uuid::max());
    for day in ["2023-12-31", "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05", "2025-01-01"]
    {
        for id in [lowest, highest, all[1].id, all[2].id] {
            let after = Some(Position { booking_date: day.parse().unwrap(), id });
            let request = PageRequest { query: TransactionQuery::default(), after, limit: 9 };
            let found = ids(&*store, &scribe, &request).await;
            assert_eq!(found, expected(&all, &request), "after {day} {id}");
        }
    }
    let after = Some(position(&all[2]));
    scribe.change(&*store, vec![Change::remove(all[2].clone())]).await;
    let request = PageRequest { query: TransactionQuery::default(), after, limit: 9 };
    assert_eq!(ids(&*store, &scribe, &request).await, [all[1].id, all[0].id]);
}

/// Queries with one filter each, some of which select nothing.
fn single_filters(all: &[Transaction]) -> Vec<TransactionQuery> {
    let empty = TransactionQuery::default;
    let text = |text: &str| Some(text.to_owned());
    let category = all.iter().find_map(|one| one.category_id);
    let mut queries = vec![
        empty(),
        TransactionQuery { deleted: true, ..empty() },
        TransactionQuery { account_id: Some(all[0].account_id), ..empty() },
        TransactionQuery { account_id: Some(all[1].account_id), ..empty() },
        TransactionQuery { account_id: Some(AccountId::new(uuid::Uuid::nil())), ..empty() },
        TransactionQuery { category_id: category, ..empty() },
        TransactionQuery { category_id: all[1].category_id, ..empty() },
        TransactionQuery { category_id: Some(CategoryId::new(uuid::Uuid::nil())), ..empty() },
        TransactionQuery { schedule_id: all[0].schedule_id, ..empty() },
        TransactionQuery { goal_id: all[0].goal_id, ..empty() },
        TransactionQuery { goal_id: Some(GoalId::new(uuid::Uuid::nil())), ..empty() },
        TransactionQuery { uncategorised: true, ..empty() },
        TransactionQuery { category_source: Some(SourceKind::User), ..empty() },
        TransactionQuery { category_source: Some(SourceKind::Learned), ..empty() },
        TransactionQuery { category_source: Some(SourceKind::Provider), ..empty() },
        TransactionQuery { from: "2024-01-05".parse().ok(), ..empty() },
        TransactionQuery { to: "2024-01-02".parse().ok(), ..empty() },
        TransactionQuery { from: "2024-01-08".parse().ok(), ..empty() },
        TransactionQuery { tag: text("holiday"), ..empty() },
        TransactionQuery { tag: text("Holiday"), ..empty() },
        TransactionQuery { tag: text("holi"), ..empty() },
        TransactionQuery { tag: text(""), ..empty() },
        TransactionQuery { text: text("row 7"), ..empty() },
        TransactionQuery { text: text(""), ..empty() },
        TransactionQuery { text: text("müller"), ..empty() },
        TransactionQuery { text: text("nothing has this"), ..empty() },
    ];
    for status in
        [Status::Posted, Status::Pending, Status::Reconciled, Status::Void, Status::Disputed]
    {
        queries.push(TransactionQuery { status: Some(status), ..empty() });
    }
    queries
}

/// Holds: each filter selects what the contract says, at once and page by page.
pub async fn every_filter_alone(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let transactions = varied(&scribe);
    let all = scribe.create(&*store, transactions).await;
    for query in single_filters(&all) {
        check(&*store, &scribe, &all, query).await;
    }
}

/// Holds: of any two filters together both hold.
pub async fn filters_hold_together(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let transactions = varied(&scribe);
    let all = scribe.create(&*store, transactions).await;
    let queries = single_filters(&all);
    let mut met = 0;
    for (place, one) in queries.iter().enumerate() {
        for other in &queries[..place] {
            let both = TransactionQuery {
                account_id: one.account_id.or(other.account_id),
                category_id: one.category_id.or(other.category_id),
                uncategorised: one.uncategorised || other.uncategorised,
                category_source: one.category_source.or(other.category_source),
                schedule_id: one.schedule_id.or(other.schedule_id),
                goal_id: one.goal_id.or(other.goal_id),
                from: one.from.or(other.from),
                to: one.to.or(other.to),
                status: one.status.or(other.status),
                tag: one.tag.clone().or(other.tag.clone()),
                text: one.text.clone().or(other.text.clone()),
                deleted: one.deleted || other.deleted,
                limit: None,
                cursor: None,
            };
            met += usize::from(all.iter().any(|transaction| both.selects(transaction)));
            check(&*store, &scribe, &all, both).await;
        }
    }
    assert!(met > 60, "too few combinations select anything: {met}");
}

/// Holds: a category finds transactions in it and those with a part in it, each once; one that is
/// in a category and has a part in it is listed once, in its place.
pub async fn a_category_is_found_in_parts_once(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let (wanted, other) = (CategoryId::new(scribe.uuid()), CategoryId::new(scribe.uuid()));
    let part = |category_id| Split {
        amount: Money::from_minor(1, euro()),
        category_id,
        notes: Some(wanted.to_string()),
    };
    let with = |category_id, parts: &[Option<CategoryId>]| Transaction {
        category_id,
        splits: parts.iter().map(|category_id| part(*category_id)).collect(),
        ..scribe.transaction("2024-01-01", 2)
    };
    let transactions = vec![
        with(Some(wanted), &[]),
        with(Some(wanted), &[Some(wanted), Some(other)]),
        with(None, &[Some(wanted), Some(wanted)]),
        with(Some(other), &[Some(other), Some(wanted)]),
        with(Some(other), &[]),
        with(None, &[None, Some(other)]),
        with(None, &[]),
    ];
    let all = scribe.create(&*store, transactions).await;
    for id in [wanted, other] {
        let query = TransactionQuery { category_id: Some(id), ..TransactionQuery::default() };
        let narrowed = TransactionQuery { text: Some(String::new()), ..query.clone() };
        check(&*store, &scribe, &all, query).await;
        check(&*store, &scribe, &all, narrowed).await;
    }
}

/// Holds: letter case does not count in any script; composed and decomposed letters differ.
pub async fn text_is_found_without_letter_case(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let with = |text: &str| Transaction {
        description: text.to_owned(),
        ..scribe.transaction("2024-01-01", 0)
    };
    let texts = [
        "GROSSMARKT Straße",
        "CAFÉ Ümlaut",
        "cafe\u{301}",
        "ΟΔΥΣΣΕΥΣ",
        "İSTANBUL",
        "ısparta",
        "ДОМ книги",
    ];
    let mut transactions: Vec<_> = texts.iter().map(|text| with(text)).collect();
    // One text of the three each, and one that would only match across two of them.
    transactions.push(Transaction { payee: Some("Zu Hause".to_owned()), ..with("a") });
    transactions.push(Transaction { notes: Some("zu hause".to_owned()), ..with("b") });
    transactions.push(Transaction { payee: Some("hause".to_owned()), ..with("zu") });
    let all = scribe.create(&*store, transactions).await;
    for text in [
        "grossmarkt",
        "STRASSE",
        "straße",
        "café",
        "CAFE",
        "É",
        "ümlaut",
        "οδυσσευς",
        "ΟΔΥΣΣΕΥΣ",
        "σ",
        "istanbul",
        "İstanbul",
        "ISPARTA",
        "дом КНИГИ",
        "ZU HAUSE",
        "zu hause",
        "a",
    ] {
        let query = TransactionQuery { text: Some(text.to_owned()), ..TransactionQuery::default() };
        check(&*store, &scribe, &all, query).await;
    }
}

/// Holds: `%`, `_`, `\`, quotes and the like find themselves and nothing else, in texts and tags.
pub async fn signs_of_patterns_are_plain_text(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let with = |text: &str| Transaction {
        description: text.to_owned(),
        tags: vec![text.to_owned()],
        ..scribe.transaction("2024-01-01", 0)
    };
    let mut texts: Vec<&str> = super::samples::TEXTS.to_vec();
    texts.extend([
        "100 percent",
        "1000",
        "cashXback",
        "a\\b",
        "a*b?c[d]",
        "' OR '1'='1",
        "\"",
        ",",
    ]);
    let transactions = texts.iter().map(|text| with(text)).collect();
    let all = scribe.create(&*store, transactions).await;
    let signs = ["%", "_", "\\", "\\%", "'", "\"", "*", "?", "[d]", "100 %", "cash_", ",", "\n"];
    for text in signs.iter().chain(&texts) {
        let text = Some((*text).to_owned());
        let by_text = TransactionQuery { text: text.clone(), ..TransactionQuery::default() };
        check(&*store, &scribe, &all, by_text).await;
        let by_tag = TransactionQuery { tag: text, ..TransactionQuery::default() };
        check(&*store, &scribe, &all, by_tag).await;
    }
}

/// Holds: deleted transactions are listed only where they are asked for, void ones always.
pub async fn deleted_transactions_are_listed_on_request(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let deleted = Transaction { deleted: true, ..scribe.transaction("2024-01-02", 0) };
    let void = Transaction { status: Status::Void, ..scribe.transaction("2024-01-03", 0) };
    let transactions = vec![scribe.transaction("2024-01-01", 0), deleted, void];
    let all = scribe.create(&*store, transactions).await;
    let request = |deleted| PageRequest {
        query: TransactionQuery { deleted, ..TransactionQuery::default() },
        after: None,
        limit: 9,
    };
    assert_eq!(ids(&*store, &scribe, &request(false)).await, [all[2].id, all[0].id]);
    assert_eq!(ids(&*store, &scribe, &request(true)).await, [all[2].id, all[1].id, all[0].id]);
}

/// Holds: a list shows one book, however alike another is.
pub async fn a_page_is_of_one_book(store: Arc<dyn Store>) {
    let (mut one, mut other) = (Scribe::new(1), Scribe::new(2));
    let transactions = varied(&one);
    let ours = one.create(&*store, transactions[..20].to_vec()).await;
    let theirs = other.create(&*store, transactions[10..].to_vec()).await;
    for query in single_filters(&transactions) {
        check(&*store, &one, &ours, query.clone()).await;
        check(&*store, &other, &theirs, query).await;
    }
}
