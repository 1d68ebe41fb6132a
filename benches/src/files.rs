//! Statements of any size in each of the formats that are read, made from a seed.
//!
//! The texts are of the length and kind that banks write: shops with numbers, cards, cities,
//! references. Each file is of one account and has no two equal rows by intent.

use std::fmt::Write as _;

use fiscaflow_core::import::{Format, MAX_FILE_BYTES, MAX_FILE_ROWS};

use super::data::{self, CITIES, SHOPS};
use super::random::Random;

/// What one row says, whatever the format.
pub struct Entry {
    row: usize,
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub cents: u64,
    pub credit: bool,
    shop: &'static str,
    city: &'static str,
    branch: u64,
    card: u64,
}

impl Entry {
    fn new(random: &mut Random, row: usize) -> Self {
        Self {
            row,
            year: 2016 + random.below(10),
            month: 1 + random.below(12),
            day: 1 + random.below(28),
            cents: 1 + random.below(20_000),
            credit: random.below(20) == 0,
            shop: random.pick(SHOPS),
            city: random.pick(CITIES),
            branch: random.below(1_000),
            card: random.below(10_000),
        }
    }

    fn sign(&self) -> &'static str {
        if self.credit { "" } else { "-" }
    }

    pub fn payee(&self) -> String {
        format!("{} {}", self.shop, self.branch)
    }

    /// What the payment is filed under.
    pub fn category(&self) -> &'static str {
        data::category(self.shop)
    }

    pub fn description(&self) -> String {
        format!("CARD {:04} {}", self.card, self.city)
    }
}

/// Files of that format that together hold `n` transactions, each within the limits of an import.
pub fn statements(format: Format, n: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let mut files = Vec::new();
    let mut row = 0;
    while row < n {
        let most = n.min(row.saturating_add(MAX_FILE_ROWS));
        if format == Format::Ofx {
            files.push(data::file(&mut random, row, most - row));
            row = most;
            continue;
        }
        let (head, write, tail): (&str, fn(&mut String, &Entry), &str) = match format {
            Format::Csv => (CSV_HEAD, csv, ""),
            Format::Camt => (CAMT_HEAD, camt, "</Stmt></BkToCstmrStmt></Document>\n"),
            Format::Mt940 => (MT940_HEAD, mt940, "-\r\n"),
            Format::Qif | Format::Ofx | Format::Plaid => ("!Type:Bank\n", qif, ""),
        };
        let mut text = String::from(head);
        while row < most && text.len() < MAX_FILE_BYTES - 2_000 {
            write(&mut text, &Entry::new(&mut random, row));
            row += 1;
        }
        text.push_str(tail);
        files.push(text.into_bytes());
    }
    files
}

/// The rows of [`table`], with the account of each.
pub fn entries(n: usize, seed: u64) -> impl Iterator<Item = (Entry, &'static str)> {
    let mut random = Random::new(seed);
    (0..n).map(move |row| {
        let entry = Entry::new(&mut random, row);
        (entry, random.pick(&["Giro", "Card", "Savings", "Shared"]))
    })
}

/// The rows of a finance program's own table: plain dates and amounts, accounts and categories.
pub fn table(n: usize, seed: u64) -> Vec<u8> {
    let mut text = String::from("account,date,payee,description,category,amount\n");
    for (it, account) in entries(n, seed) {
        let _ = writeln!(
            text,
            "{account},{}-{:02}-{:02},{},{},{},{}{}.{:02}",
            it.year,
            it.month,
            it.day,
            it.payee(),
            it.description(),
            it.category(),
            it.sign(),
            it.cents / 100,
            it.cents % 100,
        );
    }
    text.into_bytes()
}

const CSV_HEAD: &str = "Buchungstag;Valutadatum;Beguenstigter/Zahlungspflichtiger;\
    Verwendungszweck;Kontonummer/IBAN;Betrag;Waehrung\n";

fn csv(text: &mut String, it: &Entry) {
    let _ = writeln!(
        text,
        "{:02}.{:02}.{};{:02}.{:02}.{};{} {};\"Karte {:04} {} Ref {:012}\";\
         DE{:020};{}{},{:02};EUR",
        it.day,
        it.month,
        it.year,
        it.day,
        it.month,
        it.year,
        it.shop,
        it.branch,
        it.card,
        it.city,
        it.row,
        it.branch,
        it.sign(),
        it.cents / 100,
        it.cents % 100,
    );
}

const CAMT_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt>\
    <GrpHdr><MsgId>1</MsgId><CreDtTm>2026-01-01T12:00:00+01:00</CreDtTm></GrpHdr>\
    <Stmt><Id>1</Id><CreDtTm>2026-01-01T12:00:00+01:00</CreDtTm>\
    <Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>\n";

fn camt(text: &mut String, it: &Entry) {
    let (indicator, party) = if it.credit { ("CRDT", "Dbtr") } else { ("DBIT", "Cdtr") };
    let date = format!("{}-{:02}-{:02}", it.year, it.month, it.day);
    let amount = format!("{}.{:02}", it.cents / 100, it.cents % 100);
    let _ = writeln!(
        text,
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{indicator}</CdtDbtInd><Sts>BOOK</Sts>\
         <BookgDt><Dt>{date}</Dt></BookgDt><ValDt><Dt>{date}</Dt></ValDt>\
         <AcctSvcrRef>{row:016}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>CCRD</Cd>\
         <SubFmlyCd>POSD</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs>\
         <EndToEndId>E{row:012}</EndToEndId></Refs><RltdPties><{party}><Nm>{shop} {branch}</Nm>\
         </{party}><{party}Acct><Id><IBAN>DE{branch:020}</IBAN></Id></{party}Acct></RltdPties>\
         <RmtInf><Ustrd>CARD {card:04} {city}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
        row = it.row,
        shop = it.shop,
        branch = it.branch,
        card = it.card,
        city = it.city,
    );
}

const MT940_HEAD: &str =
    ":20:STARTUMS\r\n:25:37040044/0532013000\r\n:28C:1/1\r\n:60F:C160101EUR1000,00\r\n";

fn mt940(text: &mut String, it: &Entry) {
    let mark = if it.credit { "C" } else { "D" };
    let _ = write!(
        text,
        ":61:{:02}{:02}{:02}{:02}{:02}{mark}{},{:02}NMSCNONREF//{:012}\r\n\
         :86:106?00KARTENZAHLUNG?10{:04}?20EREF+{:012}?21SVWZ+KARTE {:04} {}?3037040044\
         ?31{:010}?32{} {}\r\n",
        it.year % 100,
        it.month,
        it.day,
        it.month,
        it.day,
        it.cents / 100,
        it.cents % 100,
        it.row,
        it.card,
        it.row,
        it.card,
        it.city,
        it.branch,
        it.shop,
        it.branch,
    );
}

fn qif(text: &mut String, it: &Entry) {
    let _ = write!(
        text,
        "D{:02}/{:02}/{}\nT{}{}.{:02}\nN{}\nP{} {}\nMCARD {:04} {}\nLHousehold:{}\n^\n",
        it.month,
        it.day,
        it.year,
        it.sign(),
        it.cents / 100,
        it.cents % 100,
        it.row,
        it.shop,
        it.branch,
        it.card,
        it.city,
        it.shop,
    );
}
