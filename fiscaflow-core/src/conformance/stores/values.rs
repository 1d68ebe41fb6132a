//! Values: every one comes back as it was given.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::samples::{self, TEXTS};
use super::scribe::{Scribe, euro};
use crate::limits;
use crate::log::Change;
use crate::model::{Attachment, Member, Payee, Role, Split, Transaction};
use crate::money::{Currency, Money};
use crate::store::{PageRequest, Store, TransactionQuery};
use crate::{CategoryId, PayeeId, TransactionId};

/// Writes transactions and asserts that every read of whole transactions gives them back.
async fn come_back(store: &dyn Store, scribe: &mut Scribe, transactions: Vec<Transaction>) {
    let expected = scribe.create(store, transactions).await;
    let ids: Vec<_> = expected.iter().map(|one| one.id).collect();
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let page = PageRequest { query, after: None, limit: u32::MAX };
    let reads = [
        store.transactions(scribe.book_id, &ids).await.unwrap(),
        store.page(scribe.book_id, &page).await.unwrap(),
    ];
    for read in reads {
        let found: BTreeMap<_, _> = read.iter().map(|one| (one.id, one)).collect();
        assert_eq!(found.len(), expected.len());
        for one in &expected {
            let shown = |one: &Transaction| serde_json::to_string(one).unwrap();
            assert_eq!(shown(found[&one.id]), shown(one));
            assert!(*found[&one.id] == *one);
        }
    }
}

/// Holds: no text is trimmed, normalised, cut or taken for something else, in any field.
pub async fn texts_come_back_byte_for_byte(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut transactions = Vec::new();
    for text in TEXTS {
        let text = text.to_owned();
        let some = Some(text.clone());
        let mut one = samples::full_transaction(&scribe);
        one.description.clone_from(&text);
        one.payee.clone_from(&some);
        one.notes.clone_from(&some);
        one.reference.clone_from(&some);
        one.external_id.clone_from(&some);
        one.tags = vec![text.clone(), format!("{text}2")];
        one.metadata = BTreeMap::from([(text.clone(), text.clone())]);
        one.splits[0].notes.clone_from(&some);
        one.origins[0].bank_id.clone_from(&some);
        one.origins[0].fingerprint.clone_from(&text);
        one.attachments[0] =
            Attachment { name: text.clone(), media_type: text.clone(), digest: text.clone() };
        if let Some(source) = &mut one.tags_source {
            source.reference.clone_from(&some);
        }
        transactions.push(one);
    }
    come_back(&*store, &mut scribe, transactions).await;
    for (number, text) in TEXTS.iter().enumerate() {
        let id = PayeeId::new(uuid::Uuid::from_u128(number as u128));
        let text = (*text).to_owned();
        let payee = Payee { id, name: text.clone(), aliases: vec![text.clone(), text] };
        scribe.change(&*store, vec![Change::create(payee.clone())]).await;
        let (_, documents) = store.documents(scribe.book_id).await.unwrap().unwrap();
        assert!(documents.contains(&payee.into()));
    }
}

/// Holds: the largest and smallest amounts and dates are not rounded, wrapped or refused.
pub async fn amounts_and_dates_at_their_ends(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut transactions = Vec::new();
    let precise = 1_i64 << 53;
    for minor in [0, 1, -1, precise + 1, -precise - 1, i64::MAX, i64::MAX - 1, i64::MIN] {
        let mut one = samples::full_transaction(&scribe);
        one.amount = Money::from_minor(minor, euro());
        one.splits[0].amount = Money::from_minor(minor, euro());
        transactions.push(one);
    }
    for date in ["0001-01-01", "1582-10-15", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31"]
    {
        let mut one = samples::full_transaction(&scribe);
        one.booking_date = date.parse().unwrap();
        one.value_date = date.parse().ok();
        one.origins[0].booking_date = date.parse().unwrap();
        transactions.push(one);
    }
    come_back(&*store, &mut scribe, transactions.clone()).await;
    // The order of lists holds over all years.
    let request = PageRequest { query: TransactionQuery::default(), after: None, limit: 99 };
    let page = store.page(scribe.book_id, &request).await.unwrap();
    let mut days: Vec<_> = transactions.iter().map(|one| one.booking_date).collect();
    days.sort();
    days.reverse();
    assert_eq!(page.iter().map(|one| one.booking_date).collect::<Vec<_>>(), days);
}

/// Holds: ISO and registered currencies come back with their exponents.
pub async fn currencies_come_back_with_their_exponent(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut currencies = vec![samples::bitcoin(), Currency::custom("MILES", 0).unwrap()];
    currencies.extend(["EUR", "JPY", "KWD", "CLF"].map(|code| Currency::iso(code).unwrap()));
    let mut transactions = Vec::new();
    for currency in currencies {
        let mut one = samples::full_transaction(&scribe);
        one.amount = Money::from_minor(-1, currency);
        for split in &mut one.splits {
            split.amount = Money::from_minor(split.amount.minor(), currency);
        }
        for origin in &mut one.origins {
            origin.amount = Money::from_minor(origin.amount.minor(), currency);
        }
        transactions.push(one);
    }
    come_back(&*store, &mut scribe, transactions).await;
}

/// Holds: ids are compared as bytes without sign or case, in columns and in lists.
pub async fn ids_sort_by_their_bytes(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let bits = [0, 1, 0x7f << 120, 0x80 << 120, 0xff << 120, u128::MAX, 0xa << 64, 0x41 << 56];
    let id = |bits| TransactionId::new(uuid::Uuid::from_u128(bits));
    let transactions: Vec<_> = bits
        .iter()
        .map(|bits| Transaction { id: id(*bits), ..scribe.transaction("2024-01-01", 1) })
        .collect();
    scribe.create(&*store, transactions).await;
    let mut sorted = bits.map(id);
    sorted.sort();
    let columns = store.columns(scribe.book_id, None, 99).await.unwrap();
    assert_eq!(columns.iter().map(|row| row.id).collect::<Vec<_>>(), sorted);
    sorted.reverse();
    let request = PageRequest { query: TransactionQuery::default(), after: None, limit: 99 };
    let page = store.page(scribe.book_id, &request).await.unwrap();
    assert_eq!(page.iter().map(|one| one.id).collect::<Vec<_>>(), sorted);
}

/// Holds: lists, maps and texts as long as the engine lets them be are stored whole.
pub async fn lists_and_maps_at_their_limits(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut one = scribe.transaction("2024-01-01", 100);
    let name = |number: usize| format!("{number:03}{}", "ü".repeat(126));
    one.description = "d".repeat(limits::MAX_DESCRIPTION_BYTES);
    one.notes = Some("𝔫".repeat(limits::MAX_NOTES_BYTES / 4));
    one.tags = (0..limits::MAX_TAGS).map(name).collect();
    one.metadata = (0..limits::MAX_METADATA).map(|n| (name(n), "v".repeat(1_000))).collect();
    one.splits = (0..limits::MAX_SPLITS)
        .map(|number| Split {
            amount: Money::from_minor(1, euro()),
            category_id: Some(CategoryId::new(scribe.uuid())),
            notes: Some(name(number)),
        })
        .collect();
    one.attachments = (0..limits::MAX_ATTACHMENTS)
        .map(|number| Attachment {
            name: name(number),
            media_type: "application/pdf".to_owned(),
            digest: "0".repeat(64),
        })
        .collect();
    one.origins = (0..40)
        .map(|number| {
            let bank_id = name(number);
            samples::origin(&scribe, scribe.account_id, "2024-01-01", Some(&bank_id))
        })
        .collect();
    come_back(&*store, &mut scribe, vec![one]).await;

    let payees: Vec<_> = (0..300_u128)
        .map(|number| {
            let id = PayeeId::new(uuid::Uuid::from_u128(number));
            Payee { id, name: "p".repeat(255), aliases: vec!["a".repeat(255); 50] }.into()
        })
        .collect();
    scribe.create_documents(&*store, &payees).await;
    let longest = "ä".repeat(64).parse().unwrap();
    let member = Member { actor: longest, role: Role::Viewer, name: None };
    scribe.create_documents(&*store, &[member.clone().into()]).await;
    let (_, found) = store.documents(scribe.book_id).await.unwrap().unwrap();
    assert_eq!(found.len(), 301);
    assert_eq!(found[0], member.into());
    assert!(found[1..] == payees);
}
