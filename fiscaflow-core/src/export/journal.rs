//! Plain-text journals for beancount and hledger: every transaction of an account against its
//! category, so that both programs come to the balances of the book.
//!
//! A side of a transfer stands against `Equity:Transfers`, because the two sides may lie days
//! apart and be in two currencies; that account is even where they are not. What lay in the
//! accounts before is of the journal's first day, so that net worth is right from then on. Void and
//! deleted transactions are left out. Names are written as the program can read them and stay
//! apart.
//!
//! Sources: "Beancount Language Syntax" (beancount.github.io) and the hledger manual, "Journal".

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use super::{Source, category_paths, one_line};
use crate::id::{AccountId, CategoryId};
use crate::model::{AccountKind, CategoryKind, Status, Transaction};
use crate::money::{Currency, Money};

/// Who reads the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Beancount,
    Hledger,
}

const OPENING: &str = "Equity:Opening-Balances";
const TRANSFERS: &str = "Equity:Transfers";
const SPENT: &str = "Expenses:Uncategorised";
const EARNED: &str = "Income:Uncategorised";

pub(super) fn write(source: &Source<'_>, dialect: Dialect) -> String {
    let mut journal = Journal { dialect, names: Names::new(source, dialect), text: String::new() };
    journal.head(source);
    journal.accounts(source);
    for transaction in source.counted() {
        journal.transaction(transaction);
    }
    journal.text
}

/// What accounts and categories are called in the journal.
pub(crate) struct Names {
    pub(crate) accounts: BTreeMap<AccountId, String>,
    categories: HashMap<CategoryId, String>,
}

impl Names {
    fn new(source: &Source<'_>, dialect: Dialect) -> Self {
        let mut taken: HashSet<String> =
            [OPENING, TRANSFERS, SPENT, EARNED].map(str::to_owned).into();
        let mut free = |root: &str, parts: &[&str]| {
            let parts: Vec<String> = parts.iter().map(|part| component(part, dialect)).collect();
            let wanted = format!("{root}:{}", parts.join(":"));
            let others = (2..).map(|number| format!("{wanted}-{number}"));
            let name = std::iter::once(wanted.clone()).chain(others).find(|it| !taken.contains(it));
            let name = name.unwrap_or(wanted);
            taken.insert(name.clone());
            name
        };
        let plan = source.plan;
        let accounts = plan.accounts.values().map(|account| {
            let root = match account.kind {
                AccountKind::CreditCard | AccountKind::Loan => "Liabilities",
                _ => "Assets",
            };
            (account.id, free(root, &[&account.name]))
        });
        let accounts = accounts.collect();
        let paths = category_paths(plan);
        let categories = plan.categories.values().map(|category| {
            let root = match category.kind {
                CategoryKind::Expense => "Expenses",
                CategoryKind::Income => "Income",
            };
            let path = paths.get(&category.id).map(Vec::as_slice).unwrap_or_default();
            (category.id, free(root, path))
        });
        Self { accounts, categories: categories.collect() }
    }

    fn account(&self, id: AccountId) -> &str {
        self.accounts.get(&id).map_or("Assets:Unknown", String::as_str)
    }

    /// The account of a category. Where there is none, the whole transaction tells spending from
    /// income, for all its parts, as it does in figures.
    fn category(&self, id: Option<CategoryId>, whole: Money) -> &str {
        let named = id.and_then(|id| self.categories.get(&id)).map(String::as_str);
        named.unwrap_or(if whole.minor() < 0 { SPENT } else { EARNED })
    }
}

/// A part of an account's name as the program can read it.
fn component(name: &str, dialect: Dialect) -> String {
    let plain = match dialect {
        // Letters, digits and hyphens; the first is a capital or a digit.
        Dialect::Beancount => {
            let kept = |char: char| if is_name_char(char) { char } else { '-' };
            let text: String = name.chars().map(kept).collect();
            let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
            let text = parts.join("-");
            let mut chars = text.chars();
            match chars.next() {
                Some(first) if first.is_ascii_digit() || first.is_uppercase() => text,
                Some(first) if first.is_ascii_lowercase() => {
                    first.to_ascii_uppercase().to_string() + chars.as_str()
                }
                Some(_) => format!("X{text}"),
                None => text,
            }
        }
        // Anything but colons, two blanks in a row, and what begins comments and amounts.
        Dialect::Hledger => {
            let kept = |char: char| match char {
                ':' | ';' | '\t' | '|' | '"' | '(' | ')' | '[' | ']' => ' ',
                char if char.is_control() => ' ',
                char => char,
            };
            let text: String = name.chars().map(kept).collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    if plain.is_empty() { "Unnamed".to_owned() } else { plain }
}

/// Letters and digits that beancount knows as such: those with case, and ideographs, kana and
/// hangul. Other scripts write with marks that it does not take.
fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || (!char.is_ascii() && (char.is_lowercase() || char.is_uppercase()))
        || matches!(char, '\u{3400}'..='\u{9fff}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '가'..='힣')
}

struct Journal {
    dialect: Dialect,
    names: Names,
    text: String,
}

impl Journal {
    /// Adds a line. Writing to a string cannot fail.
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(text);
        self.text.push('\n');
    }

    fn head(&mut self, source: &Source<'_>) {
        let title = one_line(&source.plan.book.name);
        self.line(format_args!("; {title}"));
        match self.dialect {
            Dialect::Beancount => {
                let title = quoted(&title);
                self.line(format_args!("option \"title\" {title}"));
                let currency = commodity(source.plan.book.currency, self.dialect);
                self.line(format_args!("option \"operating_currency\" \"{currency}\""));
            }
            Dialect::Hledger => self.line(format_args!("decimal-mark .")),
        }
    }

    /// Accounts and what lay in them before the first transaction.
    fn accounts(&mut self, source: &Source<'_>) {
        let days = source.counted().map(|transaction| transaction.booking_date);
        let earliest = days.min().unwrap_or_else(|| source.now.date_naive());
        if self.dialect == Dialect::Beancount {
            let own = self.names.accounts.values().chain(self.names.categories.values());
            let fixed = [OPENING, TRANSFERS, SPENT, EARNED].map(str::to_owned);
            let mut all: Vec<String> = own.cloned().chain(fixed).collect();
            all.sort();
            for name in all {
                self.line(format_args!("{earliest} open {name}"));
            }
        }
        for account in source.plan.accounts.values() {
            if account.opening_balance.is_zero() {
                continue;
            }
            let name = self.names.account(account.id).to_owned();
            let title = match self.dialect {
                Dialect::Beancount => "\"Opening balance\"",
                Dialect::Hledger => "Opening balance",
            };
            self.line(format_args!("\n{earliest} * {title}"));
            self.posting(&name, account.opening_balance);
            self.balance(OPENING, account.opening_balance);
        }
    }

    fn transaction(&mut self, transaction: &Transaction) {
        self.title(transaction);
        let account = self.names.account(transaction.account_id).to_owned();
        self.posting(&account, transaction.amount);
        if transaction.transfer_id.is_some() {
            self.balance(TRANSFERS, transaction.amount);
        } else if transaction.splits.is_empty() {
            let other = self.names.category(transaction.category_id, transaction.amount).to_owned();
            self.balance(&other, transaction.amount);
        } else {
            for part in &transaction.splits {
                let other = self.names.category(part.category_id, transaction.amount).to_owned();
                self.balance(&other, part.amount);
            }
        }
    }

    /// Date, mark, payee and description; then what else is known, as metadata.
    fn title(&mut self, transaction: &Transaction) {
        let date = transaction.booking_date;
        let mark = if transaction.status == Status::Pending { '!' } else { '*' };
        let payee = one_line(transaction.payee.as_deref().unwrap_or_default());
        let description = one_line(&transaction.description);
        let mut facts = vec![("id", transaction.id.to_string())];
        let more = [
            ("value-date", transaction.value_date.map(|date| date.to_string())),
            ("tags", (!transaction.tags.is_empty()).then(|| transaction.tags.join(", "))),
            ("notes", transaction.notes.clone()),
        ];
        facts.extend(more.into_iter().filter_map(|(name, text)| Some((name, text?))));
        match self.dialect {
            Dialect::Beancount => {
                let (payee, text) = (quoted(&payee), quoted(&description));
                self.line(format_args!("\n{date} {mark} {payee} {text}"));
                for (name, text) in facts {
                    let text = quoted(&one_line(&text));
                    self.line(format_args!("  {name}: {text}"));
                }
            }
            Dialect::Hledger => {
                let plain = |text: &str| text.replace([';', '|'], ",");
                let (payee, text) = (plain(&payee), plain(&description));
                let title = if payee.is_empty() { text } else { format!("{payee} | {text}") };
                // Brackets at the front would be read as a transaction code.
                let code = if title.trim_start().starts_with('(') { "() " } else { "" };
                self.line(format_args!("\n{date} {mark} {code}{title}"));
                for (name, text) in facts {
                    // A comma ends a tag's value.
                    let text = one_line(&text).replace(',', ";");
                    self.line(format_args!("    ; {name}:{text}"));
                }
            }
        }
    }

    fn posting(&mut self, account: &str, amount: Money) {
        self.written(account, i128::from(amount.minor()), amount.currency());
    }

    /// The other side: the amount with the other sign, which one of 64 bits may not have.
    fn balance(&mut self, account: &str, amount: Money) {
        self.written(account, -i128::from(amount.minor()), amount.currency());
    }

    fn written(&mut self, account: &str, minor: i128, currency: Currency) {
        let amount = decimal(minor, currency);
        let commodity = commodity(currency, self.dialect);
        self.line(format_args!("    {account}  {amount} {commodity}"));
    }
}

/// A count of minor units as a decimal with all places of the currency.
fn decimal(minor: i128, currency: Currency) -> String {
    let places = usize::from(currency.exponent());
    let digits = minor.unsigned_abs().to_string();
    let digits = format!("{digits:0>width$}", width = places.saturating_add(1));
    let sign = if minor < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len().saturating_sub(places)) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}"),
    }
}

/// A currency as the program names it.
fn commodity(currency: Currency, dialect: Dialect) -> String {
    let code = currency.code();
    match dialect {
        // It begins with a letter and is no word of the language. A point stands in no code of
        // ours, so that no two become one.
        Dialect::Beancount
            if code.starts_with(|first: char| first.is_ascii_digit())
                || ["TRUE", "FALSE", "NULL"].contains(&code) =>
        {
            format!("X.{code}")
        }
        Dialect::Beancount => code.to_owned(),
        Dialect::Hledger if code.bytes().all(|byte| byte.is_ascii_alphabetic()) => code.to_owned(),
        Dialect::Hledger => format!("\"{code}\""),
    }
}

/// A string as beancount reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_programs_can_read() {
        // Holds: no part of a name breaks the syntax of either program.
        for (name, beancount, hledger) in [
            ("Giro", "Giro", "Giro"),
            ("visa card", "Visa-card", "visa card"),
            ("Übung: a;b", "Übung-a-b", "Übung a b"),
            ("über", "Xüber", "über"),
            ("1822 direkt", "1822-direkt", "1822 direkt"),
            ("  ", "Unnamed", "Unnamed"),
            ("日本", "X日本", "日本"),
            ("(a)  b", "A-b", "a b"),
        ] {
            assert_eq!(component(name, Dialect::Beancount), beancount);
            assert_eq!(component(name, Dialect::Hledger), hledger);
        }
    }

    #[test]
    fn currencies_are_what_the_programs_can_read() {
        // Holds: codes that begin with a digit or are words of the language get another name.
        for (code, beancount, hledger) in [
            ("EUR", "EUR", "EUR"),
            ("1INCH", "X.1INCH", "\"1INCH\""),
            ("NULL", "X.NULL", "NULL"),
            ("X1INCH", "X1INCH", "\"X1INCH\""),
        ] {
            let currency = Currency::iso(code).or_else(|_| Currency::custom(code, 8)).unwrap();
            assert_eq!(commodity(currency, Dialect::Beancount), beancount);
            assert_eq!(commodity(currency, Dialect::Hledger), hledger);
        }
    }

    #[test]
    fn amounts_have_all_places_and_any_size() {
        // Holds: no amount of 64 bits is written wrong, with either sign.
        let (euro, yen) = (Currency::iso("EUR").unwrap(), Currency::iso("JPY").unwrap());
        assert_eq!(decimal(-5, euro), "-0.05");
        assert_eq!(decimal(-i128::from(i64::MIN), euro), "92233720368547758.08");
        assert_eq!(decimal(1200, yen), "1200");
        assert_eq!(decimal(0, euro), "0.00");
    }
}
