//! Which account a statement belongs to.

use std::collections::HashMap;

use super::NewImport;
use crate::error::{Error, ErrorCode, Result};
use crate::id::AccountId;
use crate::import::{Format, Statement};
use crate::model::Account;
use crate::money::Currency;
use crate::plan::Plan;

/// Where a statement goes.
pub(super) enum Target {
    /// An account of the book.
    There(AccountId),
    /// An account that has to be made.
    ToMake(Identity),
}

/// By what the statements of an account are told from those of others.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) number: Option<String>,
    pub(super) bank_id: Option<String>,
    /// Stands in for a number where the statements have none.
    pub(super) key: Option<String>,
    pub(super) currency: Currency,
}

/// The accounts of a book as statements name them.
pub(super) struct Targets<'a> {
    new: &'a NewImport,
    format: Format,
    plan: &'a Plan,
    by_number: HashMap<String, Vec<&'a Account>>,
    by_key: HashMap<&'a str, &'a Account>,
}

impl<'a> Targets<'a> {
    pub(super) fn new(new: &'a NewImport, format: Format, plan: &'a Plan) -> Self {
        let mut by_number: HashMap<String, Vec<&Account>> = HashMap::new();
        let mut by_key = HashMap::new();
        for account in plan.accounts.values() {
            if let Some(number) = &account.number {
                by_number.entry(plain_number(number)).or_default().push(account);
            }
            if let Some(key) = account.import_key.as_deref() {
                by_key.insert(key, account);
            }
        }
        Self { new, format, plan, by_number, by_key }
    }

    /// The account that the caller names, or the one with the statement's number at its bank, or
    /// the one that was made for statements like it.
    pub(super) fn find(&self, statement: &Statement) -> Result<Target> {
        if let Some(id) = self.new.account_id {
            let account = self.plan.account(id)?;
            return self.fits(account, statement).map(|()| Target::There(id));
        }
        let number = statement.account.as_deref().map(plain_number);
        let number = number.filter(|number| !number.is_empty());
        let bank_id = statement.bank_id.as_deref().map(plain_number);
        let bank_id = bank_id.filter(|id| !id.is_empty() && number.is_some());
        if let Some(account) = number.as_ref().and_then(|number| {
            self.by_number.get(number)?.iter().find(|account| {
                let bank = account.bank_id.as_deref().map(plain_number);
                let same_bank = bank.is_none() || bank_id.is_none() || bank == bank_id;
                same_bank && self.fits(account, statement).is_ok()
            })
        }) {
            return Ok(Target::There(account.id));
        }
        let currency = match &statement.currency {
            Some(code) => written_currency(code, self.plan.book.currency, self.plan)?,
            None => self.plan.book.currency,
        };
        let key = number.is_none().then(|| format!("{} {currency}", self.format.as_str()));
        if let Some(account) = key.as_deref().and_then(|key| self.by_key.get(key)) {
            return Ok(Target::There(account.id));
        }
        if self.new.create_accounts {
            return Ok(Target::ToMake(Identity { number, bank_id, key, currency }));
        }
        let text = "no account of the book has the statement's number";
        Err(Error::new(ErrorCode::AccountUnknown, text).field("account_id"))
    }

    /// Whether the statement is kept in the account's currency; one that names none is.
    fn fits(&self, account: &Account, statement: &Statement) -> Result<()> {
        match &statement.currency {
            Some(code) => check_currency(code, account, self.plan),
            None => Ok(()),
        }
    }
}

/// Refuses a written currency that is not the account's.
pub(super) fn check_currency(code: &str, account: &Account, plan: &Plan) -> Result<()> {
    if written_currency(code, account.currency, plan)? == account.currency {
        return Ok(());
    }
    let text = format!("the account is kept in `{}`", account.currency);
    Err(Error::new(ErrorCode::CurrencyMismatch, text).field("currency"))
}

/// A currency by its code in whatever case, or by a sign: the expected currency where the sign is
/// in use for it, else the one that it stands for most often.
fn written_currency(code: &str, expected: Currency, plan: &Plan) -> Result<Currency> {
    const SIGNS: [(&str, &[&str]); 5] = [
        ("€", &["EUR"]),
        ("£", &["GBP", "EGP", "FKP", "GIP", "SHP", "SSP"]),
        (
            "$",
            &[
                "USD", "ARS", "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "CLP", "COP", "FJD",
                "GYD", "HKD", "JMD", "KYD", "LRD", "MXN", "NAD", "NZD", "SBD", "SGD", "SRD", "TTD",
                "TWD", "UYU", "XCD",
            ],
        ),
        ("¥", &["JPY", "CNY"]),
        ("₹", &["INR"]),
    ];
    let code = code.trim();
    match SIGNS.iter().find(|(sign, _)| *sign == code) {
        Some((_, codes)) if codes.contains(&expected.code()) => Ok(expected),
        Some((_, [first, ..])) => plan.currency(first),
        _ => plan.currency(&code.to_uppercase()),
    }
}

fn plain_number(number: &str) -> String {
    number.split_whitespace().collect::<String>().to_uppercase()
}
