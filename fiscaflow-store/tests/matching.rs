//! What an import takes for the same, and what not: cases in which a transaction could be lost or
//! doubled. Each says what the bank's books hold and what the book must hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::engine::{
    BookHandle, Context, Engine, Evidence, ImportReport, MatchReason, NewImport,
};
use fiscaflow_core::model::{
    AccountPatch, NewAccount, NewBook, NewPayee, Status, Transaction, TransactionPatch,
};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};

async fn fresh_book() -> BookHandle {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let engine = Engine::new(Arc::new(MemoryStore::new()), clock, ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    engine.book(id, anna)
}

fn file(content: impl Into<Vec<u8>>) -> NewImport {
    NewImport { content: content.into(), create_accounts: true, ..NewImport::default() }
}

async fn import(book: &BookHandle, content: impl Into<Vec<u8>>) -> ImportReport {
    let report = book.imports().create(file(content)).await.unwrap();
    assert_eq!(report.problems, []);
    report
}

async fn everything(book: &BookHandle) -> Vec<Transaction> {
    let query = TransactionQuery { limit: Some(500), ..TransactionQuery::default() };
    book.transactions().list(query).await.unwrap().items
}

/// The transactions, oldest first: day, amount, status and description.
async fn shown(book: &BookHandle) -> Vec<String> {
    let mut all = everything(book).await;
    all.sort_by(|a, b| (a.booking_date, &a.description).cmp(&(b.booking_date, &b.description)));
    let line = |it: &Transaction| {
        let status = format!("{:?}", it.status).to_lowercase();
        format!("{} {} {status} {}", it.booking_date, it.amount.amount(), it.description)
    };
    all.iter().map(line).collect()
}

/// A CSV statement; a row is `date;status;amount;description`.
fn csv(rows: &str) -> String {
    let rows: Vec<String> = rows.split('|').map(|row| row.trim().to_owned()).collect();
    format!("Date;Status;Amount;Description\n{}\n", rows.join("\n"))
}

/// An OFX statement; an entry is `day id amount description`, with a correction behind it.
fn ofx(bank: &str, account: &str, currency: &str, entries: &[&str]) -> String {
    let mut text = format!(
        "OFXHEADER:100\n\n<OFX><STMTRS>{currency}<BANKACCTFROM>{bank}<ACCTID>{account}\
         </BANKACCTFROM><BANKTRANLIST>\n"
    );
    for entry in entries {
        let (entry, correction) = entry.split_once('!').unwrap_or((entry, ""));
        let parts: Vec<&str> = entry.trim().splitn(4, ' ').collect();
        let (action, of) = correction.split_once(' ').unwrap_or(("", ""));
        let correction = if of.is_empty() {
            String::new()
        } else {
            format!("<CORRECTFITID>{of}<CORRECTACTION>{action}")
        };
        text += &format!(
            "<STMTTRN><DTPOSTED>{}<TRNAMT>{}<FITID>{}{correction}<NAME>{}</STMTTRN>\n",
            parts[0], parts[2], parts[1], parts[3]
        );
    }
    text + "</BANKTRANLIST></STMTRS></OFX>"
}

fn euros(entries: &[&str]) -> String {
    ofx("<BANKID>1", "77", "<CURDEF>EUR", entries)
}

#[tokio::test]
async fn a_pending_and_a_booked_row_of_one_file_stay_two() {
    // Holds: a file with a pending and a booked purchase of one amount adds nothing the second
    // time, whether they look alike or not.
    for other in ["COFFEE", "ATM BERLIN"] {
        let rows = csv(&format!(
            "2026-03-01;Pending;-4.50;COFFEE | 2026-03-01;Posted;-4.50;{other} \
             | 2026-03-02;Posted;-20.00;GROCER"
        ));
        let book = fresh_book().await;
        assert_eq!(import(&book, rows.clone()).await.imported, 3, "{other}");
        let before = shown(&book).await;
        for _ in 0..2 {
            let again = import(&book, rows.clone()).await;
            assert_eq!((again.imported, again.duplicates), (0, 3), "{other}");
            assert_eq!(shown(&book).await, before);
        }
    }
}

#[tokio::test]
async fn a_pending_row_becomes_its_booked_row_and_no_other() {
    // Holds: amount, days and words decide; a stranger of the same amount is a new transaction.
    let book = fresh_book().await;
    import(&book, csv("2026-03-01;Pending;-10.00;NETFLIX 3412 | 2026-03-01;Posted;-1.00;BREAD"))
        .await;
    let next = csv("2026-03-03;Posted;-10.00;ATM BERLIN | 2026-03-04;Posted;-10.00;Netflix.com");
    let report = import(&book, next.clone()).await;
    assert_eq!((report.imported, report.duplicates), (1, 1));
    let found = &report.matches[0];
    assert_eq!((found.reason, found.confidence), (MatchReason::PendingPosted, 90));
    assert_eq!(found.evidence, [Evidence::Amount, Evidence::NearDate, Evidence::Words]);
    let expected = [
        "2026-03-01 -1.00 posted BREAD",
        "2026-03-03 -10.00 posted ATM BERLIN",
        "2026-03-04 -10.00 posted NETFLIX 3412",
    ];
    assert_eq!(shown(&book).await, expected);
    assert_eq!(import(&book, next).await.imported, 0);
}

#[tokio::test]
async fn an_edited_pending_row_is_not_doubled_when_it_is_booked() {
    // Holds: whatever a person did to a pending transaction, its booked row is recognised, and what
    // the person set stays.
    let amount =
        || TransactionPatch { amount: Some("-12.00".parse().unwrap()), ..Default::default() };
    let status = |status| TransactionPatch { status: Some(status), ..Default::default() };
    let date = || TransactionPatch {
        booking_date: Some("2026-02-01".parse().unwrap()),
        ..Default::default()
    };
    for (patch, expected) in [
        (amount(), "2026-03-03 -12.00 posted HOTEL"),
        (status(Status::Posted), "2026-03-03 -10.00 posted HOTEL"),
        (status(Status::Void), "2026-03-01 -10.00 void HOTEL"),
        (status(Status::Reconciled), "2026-03-01 -10.00 reconciled HOTEL"),
        (date(), "2026-02-01 -10.00 posted HOTEL"),
    ] {
        let book = fresh_book().await;
        import(&book, csv("2026-03-01;Pending;-10.00;HOTEL")).await;
        let id = everything(&book).await[0].id;
        book.transactions().update(id, patch).await.unwrap();
        let report = import(&book, csv("2026-03-03;Posted;-10.00;HOTEL")).await;
        assert_eq!((report.imported, report.duplicates), (0, 1), "{expected}");
        assert_eq!(shown(&book).await, [expected]);
    }
}

#[tokio::test]
async fn ids_that_are_counted_anew_in_each_file_lose_nothing() {
    // Holds: an id alone makes no duplicate where neither amount nor description agrees.
    let book = fresh_book().await;
    import(&book, euros(&["20260301 1 -2.00 FEE", "20260302 2 -900.00 RENT"])).await;
    let next =
        euros(&["20260308 1 -3.00 COFFEE", "20260309 2 -80.00 SHOES", "20260309 3 -9.00 HAT"]);
    assert_eq!(import(&book, next.clone()).await.imported, 3);
    assert_eq!(everything(&book).await.len(), 5);
    assert_eq!(import(&book, next).await.imported, 0);
}

#[tokio::test]
async fn a_row_whose_amount_the_bank_changed_under_its_id_is_changed() {
    // Holds: same id, description and almost the same day: the bank's new amount counts, unless a
    // person had set another; the older file does not bring the old amount back.
    let old = euros(&["20260301 a1 -50.00 RESTAURANT"]);
    let new = euros(&["20260302 a1 -57.50 Restaurant"]);
    let book = fresh_book().await;
    import(&book, old.clone()).await;
    let report = import(&book, new.clone()).await;
    assert_eq!((report.imported, report.duplicates), (0, 1));
    assert_eq!(shown(&book).await, ["2026-03-02 -57.50 posted RESTAURANT"]);
    for content in [old.clone(), new.clone()] {
        assert_eq!(import(&book, content).await.imported, 0);
        assert_eq!(shown(&book).await, ["2026-03-02 -57.50 posted RESTAURANT"]);
    }

    let book = fresh_book().await;
    import(&book, old).await;
    let id = everything(&book).await[0].id;
    let patch = TransactionPatch { amount: Some("-25.00".parse().unwrap()), ..Default::default() };
    book.transactions().update(id, patch).await.unwrap();
    import(&book, new).await;
    assert_eq!(shown(&book).await, ["2026-03-02 -25.00 posted RESTAURANT"]);
}

#[tokio::test]
async fn twins_with_ids_of_their_own_are_kept() {
    // Holds: equal purchases with new ids beside other rows of the day are new, not renamed.
    let book = fresh_book().await;
    import(&book, euros(&["20260301 a1 -3.00 COFFEE", "20260301 a2 -3.00 COFFEE"])).await;
    let next =
        euros(&["20260301 a3 -3.00 COFFEE", "20260301 a4 -3.00 COFFEE", "20260301 a5 -9.00 LUNCH"]);
    assert_eq!(import(&book, next).await.imported, 3);
    assert_eq!(everything(&book).await.len(), 5);
}

#[tokio::test]
async fn the_same_number_at_two_banks_is_two_accounts() {
    // Holds: bank and number name an account together; a statement without the bank's id finds the
    // account by its number.
    let book = fresh_book().await;
    let at = |bank: &str| ofx(bank, "1001", "<CURDEF>EUR", &["20260301 1 -3.00 FEE"]);
    assert_eq!(import(&book, at("<BANKID>111")).await.imported, 1);
    assert_eq!(import(&book, at("<BANKID>222")).await.imported, 1);
    assert_eq!(import(&book, at("<BANKID>111")).await.imported, 0);
    assert_eq!(book.accounts().list().await.unwrap().len(), 2);
    assert_eq!(import(&book, at("")).await.imported, 0);
}

#[tokio::test]
async fn a_renamed_or_numbered_account_is_found_again() {
    // Holds: statements without an account number go to the account that was made for them,
    // whatever a person calls it since.
    let rows = csv("2026-03-01;Posted;-3.00;FEE | 2026-03-02;Posted;-4.00;TEA");
    for patch in [
        AccountPatch { name: Some("Giro".to_owned()), ..AccountPatch::default() },
        AccountPatch { number: Some("DE77".to_owned()), ..AccountPatch::default() },
    ] {
        let book = fresh_book().await;
        import(&book, rows.clone()).await;
        let id = book.accounts().list().await.unwrap()[0].id;
        book.accounts().update(id, patch).await.unwrap();
        for _ in 0..3 {
            assert_eq!(import(&book, rows.clone()).await.imported, 0);
        }
        assert_eq!(book.accounts().list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_statement_without_a_currency_is_kept_in_its_account_s() {
    // Holds: the account's number decides; a currency sign stands for every currency that uses it.
    let book = fresh_book().await;
    let new = NewAccount {
        name: "Dollars".to_owned(),
        currency: Some("CAD".to_owned()),
        number: Some("123".to_owned()),
        ..NewAccount::default()
    };
    let id = book.accounts().create(new).await.unwrap().id;
    import(&book, ofx("", "123", "", &["20260301 1 -3.00 FEE"])).await;
    let signs = NewImport {
        account_id: Some(id),
        ..file("Date,Description,Amount\n2026-03-02,TEA,$-4.50\n")
    };
    let report = book.imports().create(signs).await.unwrap();
    assert_eq!((report.imported, &*report.problems), (1, &[][..]));
    let all = everything(&book).await;
    assert!(all.iter().all(|it| it.account_id == id && it.amount.currency().code() == "CAD"));
}

#[tokio::test]
async fn an_accented_letter_is_the_same_in_one_character_or_two() {
    // Holds: a bank that writes its letters in another normal form brings nothing twice; texts stay
    // as they came first, and are found and named by either form.
    let (one, two) = ("CAF\u{c9} PAR\u{cd}S", "CAFE\u{301} PARI\u{301}S");
    let rows =
        |text: &str| csv(&format!("2026-03-01;Posted;-3.00;{text} | 2026-03-02;Posted;-4.00;TEA"));
    for (first, second) in [(one, two), (two, one)] {
        let book = fresh_book().await;
        let payee =
            NewPayee { name: "Paris".to_owned(), aliases: vec![first.to_owned()], id: None };
        book.payees().create(payee).await.unwrap();
        import(&book, rows(first)).await;
        assert_eq!(import(&book, rows(second)).await.imported, 0);
        let text = Some(second.to_lowercase());
        let query = TransactionQuery { text, ..TransactionQuery::default() };
        let found = book.transactions().list(query).await.unwrap().items;
        assert_eq!(found.iter().map(|it| &*it.description).collect::<Vec<_>>(), [first]);
        let patch = TransactionPatch { payee: Some(second.to_owned()), ..Default::default() };
        let named = book.transactions().update(found[0].id, patch).await.unwrap();
        assert_eq!(named.payee.as_deref(), Some("Paris"));
    }
}

#[tokio::test]
async fn corrections_replace_and_take_back() {
    // Holds: what the bank corrects by its id is changed or void, in one file or in several, in any
    // order, and importing them again changes nothing.
    let first = "20260301 a1 -100.00 SHOP";
    let replaced = "20260302 a2 -10.00 SHOP !REPLACE a1";
    let deleted = "20260303 a3 -10.00 SHOP !DELETE a2";
    let files = [vec![first], vec![replaced], vec![deleted]].map(|it| euros(&it));
    let book = fresh_book().await;
    import(&book, files[0].clone()).await;
    let report = import(&book, files[1].clone()).await;
    assert_eq!(report.matches[0].reason, MatchReason::Correction);
    assert_eq!(shown(&book).await, ["2026-03-02 -10.00 posted SHOP"]);
    import(&book, files[2].clone()).await;
    assert_eq!(shown(&book).await, ["2026-03-02 -10.00 void SHOP"]);
    for content in &files {
        assert_eq!(import(&book, content.clone()).await.imported, 0);
    }
    assert_eq!(shown(&book).await, ["2026-03-02 -10.00 void SHOP"]);

    let together = fresh_book().await;
    import(&together, euros(&[deleted, replaced, first])).await;
    let counted: Vec<_> =
        everything(&together).await.into_iter().filter(Transaction::counts).collect();
    assert_eq!(counted, []);

    let backwards = fresh_book().await;
    import(&backwards, euros(&["20260303 a3 -100.00 SHOP !DELETE a1"])).await;
    import(&backwards, files[0].clone()).await;
    let counted: Vec<_> =
        everything(&backwards).await.into_iter().filter(Transaction::counts).collect();
    assert_eq!(counted, []);
}

#[tokio::test]
async fn undo_takes_a_whole_import_back() {
    // Holds: what the import alone brought is gone with its account, what it booked is pending
    // again, and the file can come again; an unknown import is not found.
    let book = fresh_book().await;
    import(&book, csv("2026-03-01;Pending;-10.00;HOTEL")).await;
    let before = everything(&book).await;
    let report =
        import(&book, csv("2026-03-03;Posted;-10.00;HOTEL ROMA | 2026-03-04;Posted;-3.00;TEA"))
            .await;
    let undone = book.imports().undo(report.import_id.unwrap()).await.unwrap();
    assert_eq!((undone.removed, undone.restored), (1, 1));
    let mut after = everything(&book).await;
    after[0].revision = before[0].revision;
    assert_eq!(after, before);
    let error = book.imports().undo(report.import_id.unwrap()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);

    let other = import(&book, euros(&["20260301 1 -2.00 FEE"])).await;
    assert_eq!(book.accounts().list().await.unwrap().len(), 2);
    book.imports().undo(other.import_id.unwrap()).await.unwrap();
    assert_eq!(book.accounts().list().await.unwrap().len(), 1);
    assert_eq!(import(&book, euros(&["20260301 1 -2.00 FEE"])).await.imported, 1);
    assert!(book.history().verify().await.unwrap().verified);
}

#[tokio::test]
async fn a_preview_tells_what_the_import_does_and_writes_nothing() {
    // Holds: the preview's report and transactions are those of the import, but for ids.
    let book = fresh_book().await;
    import(&book, csv("2026-03-01;Pending;-10.00;HOTEL")).await;
    let commits = book.history().verify().await.unwrap().commits;
    let rows = csv("2026-03-03;Posted;-10.00;HOTEL | 2026-03-04;Posted;-3.00;TEA");
    let preview = book.imports().preview(file(rows.clone())).await.unwrap();
    assert_eq!(book.history().verify().await.unwrap().commits, commits);
    assert_eq!((preview.created.len(), preview.updated.len()), (1, 1));
    let report = import(&book, rows).await;
    assert_eq!(preview.report.import_id, None);
    assert_eq!(preview.report.matches, report.matches);
    assert_eq!(preview.report.statements, report.statements);
    let tea = everything(&book).await.into_iter().find(|it| it.description == "TEA").unwrap();
    let foreseen = &preview.created[0];
    assert_eq!(
        (foreseen.amount, foreseen.booking_date, foreseen.status),
        (tea.amount, tea.booking_date, tea.status)
    );
}

#[tokio::test]
async fn a_refused_import_names_no_account_that_was_not_made() {
    // Holds: where a problem keeps everything out, no account is made and none is named.
    let book = fresh_book().await;
    let rows = "Date;Amount;Description\n2026-03-01;-3.00;FEE\n2026-03-02;-4.x0;TEA\n";
    let report = book.imports().create(file(rows)).await.unwrap();
    assert!(!report.problems.is_empty());
    assert_eq!(report.import_id, None);
    assert!(report.statements.iter().all(|statement| statement.account_id.is_none()));
    assert_eq!(book.accounts().list().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_account_number_that_is_too_long_makes_no_account() {
    // Holds: an account number that is too long is a problem of its statement, not an account that
    // can never be changed.
    let book = fresh_book().await;
    let long = "9".repeat(3_000);
    let content = ofx("", &long, "<CURDEF>EUR", &["20260301 1 -3.00 FEE"]);
    let report = book.imports().create(file(content)).await.unwrap();
    assert_eq!(report.problems[0].code, ErrorCode::LimitExceeded);
    assert_eq!(book.accounts().list().await.unwrap().len(), 0);
}

/// Plaid's answer to a question for changes.
fn plaid(added: &str, removed: &str) -> String {
    let removed: Vec<String> = removed
        .split_whitespace()
        .map(|id| match id.split_once('@') {
            Some((id, account)) => {
                format!(r#"{{"transaction_id": "{id}", "account_id": "{account}"}}"#)
            }
            None => format!(r#"{{"transaction_id": "{id}"}}"#),
        })
        .collect();
    format!(
        r#"{{"added": [{added}], "modified": [], "removed": [{}], "next_cursor": "c",
            "has_more": false}}"#,
        removed.join(",")
    )
}

fn plaid_row(id: &str, amount: &str, pending: Option<&str>) -> String {
    let (pending, of) = match pending {
        Some("") => ("true", "null".to_owned()),
        Some(of) => ("false", format!("\"{of}\"")),
        None => ("false", "null".to_owned()),
    };
    format!(
        r#"{{"account_id": "A", "amount": {amount}, "iso_currency_code": "EUR",
            "date": "2026-03-01", "name": "TEA", "pending": {pending},
            "pending_transaction_id": {of}, "transaction_id": "{id}"}}"#
    )
}

#[tokio::test]
async fn what_the_bank_took_back_is_void() {
    // Holds: an id that the bank removes makes its transaction void, with an account and without,
    // once, and undoing that import brings it back; a booked transaction whose pending id is
    // removed stays; what a person opens again stays open; what is not there is no problem.
    for account in ["@A", ""] {
        let book = fresh_book().await;
        let rows = [plaid_row("T1", "4.50", None), plaid_row("P2", "7.00", Some(""))];
        assert_eq!(import(&book, plaid(&rows.join(","), "")).await.imported, 2);
        let booked = plaid_row("T2", "7.00", Some("P2"));
        let ids = format!("T1{account} P2{account} T9{account}");
        let report = import(&book, plaid(&booked, &ids)).await;
        assert_eq!((report.imported, report.duplicates, report.removed), (0, 1, 1), "`{account}`");
        let after = ["2026-03-01 -4.50 void TEA", "2026-03-01 -7.00 posted TEA"];
        let mut now = shown(&book).await;
        now.sort();
        assert_eq!(now, after);
        let again = import(&book, plaid(&booked, &ids)).await;
        assert_eq!((again.imported, again.removed, again.import_id), (0, 0, None));

        book.imports().undo(report.import_id.unwrap()).await.unwrap();
        let mut now = shown(&book).await;
        now.sort();
        assert_eq!(now, ["2026-03-01 -4.50 posted TEA", "2026-03-01 -7.00 pending TEA"]);

        import(&book, plaid("", &format!("T1{account}"))).await;
        let id = everything(&book).await.iter().find(|it| it.status == Status::Void).unwrap().id;
        let open = TransactionPatch { status: Some(Status::Posted), ..TransactionPatch::default() };
        book.transactions().update(id, open).await.unwrap();
        assert_eq!(import(&book, plaid("", &format!("T1{account}"))).await.removed, 0);
    }
}

#[tokio::test]
async fn a_pending_row_that_was_taken_back_is_booked_later() {
    // Holds: a booked row that names a pending one which the bank took back before is not lost, and
    // is one transaction.
    let book = fresh_book().await;
    import(&book, plaid(&plaid_row("P1", "7.00", Some("")), "")).await;
    assert_eq!(import(&book, plaid("", "P1@A")).await.removed, 1);
    assert_eq!(shown(&book).await, ["2026-03-01 -7.00 void TEA"]);
    import(&book, plaid(&plaid_row("T1", "7.00", Some("P1")), "")).await;
    assert_eq!(shown(&book).await, ["2026-03-01 -7.00 posted TEA"]);
    assert_eq!(everything(&book).await[0].metadata.len(), 0);
}

#[tokio::test]
async fn a_file_is_read_without_being_imported() {
    // Holds: what `parse` tells is what the file says, problems included, and the book stays as it
    // is.
    let book = fresh_book().await;
    let rows = csv("2026-03-01;Pending;-4.50;COFFEE | 2026-03-02;Posted;x;GROCER");
    let parsed = book.imports().parse(file(rows)).await.unwrap();
    let row = &parsed.statements[0].rows[0];
    assert_eq!((row.line, row.description.as_str(), row.pending), (2, "COFFEE", true));
    assert_eq!(row.amount.to_string(), "-4.50");
    assert_eq!(parsed.problems.len(), 1);
    assert_eq!(everything(&book).await, []);
}
