//! OFX 2.2: a statement for each account (Open Financial Exchange specification 2.2, section 11).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Source, one_line};
use crate::id::AccountId;
use crate::model::{Account, AccountKind, Transaction};
use crate::money::Money;

/// The longest `NAME` of an entry (section 11.4.4.1).
const MAX_NAME: usize = 32;

pub(super) fn write(source: &Source<'_>) -> String {
    let now = source.now.format("%Y%m%d%H%M%S");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
         <?OFX OFXHEADER=\"200\" VERSION=\"220\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" \
         NEWFILEUID=\"NONE\"?>\n<OFX>\n<SIGNONMSGSRSV1><SONRS>{STATUS}<DTSERVER>{now}[0:GMT]\
         </DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS></SIGNONMSGSRSV1>\n"
    );
    let mut by_account: BTreeMap<AccountId, Vec<&Transaction>> = BTreeMap::new();
    for transaction in source.counted() {
        by_account.entry(transaction.account_id).or_default().push(transaction);
    }
    let nothing = Vec::new();
    for (set, card) in [("BANKMSGSRSV1", false), ("CREDITCARDMSGSRSV1", true)] {
        let accounts: Vec<&Account> = source
            .plan
            .accounts
            .values()
            .filter(|account| (account.kind == AccountKind::CreditCard) == card)
            .collect();
        if accounts.is_empty() {
            continue;
        }
        text += &format!("<{set}>\n");
        for account in accounts {
            let transactions = by_account.get(&account.id).unwrap_or(&nothing);
            statement(&mut text, source, account, card, transactions);
        }
        text += &format!("</{set}>\n");
    }
    text.push_str("</OFX>\n");
    text
}

const STATUS: &str = "<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>";

fn statement(
    text: &mut String,
    source: &Source<'_>,
    account: &Account,
    card: bool,
    transactions: &[&Transaction],
) {
    let (response, set, from) = if card {
        ("CCSTMTTRNRS", "CCSTMTRS", "CCACCTFROM")
    } else {
        ("STMTTRNRS", "STMTRS", "BANKACCTFROM")
    };
    let number = account.number.clone().unwrap_or_else(|| account.id.to_string());
    let number = escaped(&number);
    let identity = if card {
        format!("<ACCTID>{number}</ACCTID>")
    } else {
        let bank = escaped(account.bank_id.as_deref().unwrap_or("0"));
        let kind = match account.kind {
            AccountKind::Savings => "SAVINGS",
            AccountKind::Loan => "CREDITLINE",
            _ => "CHECKING",
        };
        format!("<BANKID>{bank}</BANKID><ACCTID>{number}</ACCTID><ACCTTYPE>{kind}</ACCTTYPE>")
    };
    let today = source.now.date_naive();
    let dates = || transactions.iter().map(|transaction| transaction.booking_date);
    let (first, last) = (dates().min().unwrap_or(today), dates().max().unwrap_or(today));
    let (first, last) = (first.format("%Y%m%d"), last.format("%Y%m%d"));
    let currency = account.currency;
    *text += &format!(
        "<{response}><TRNUID>{id}</TRNUID>{STATUS}<{set}><CURDEF>{currency}</CURDEF>\
         <{from}>{identity}</{from}>\n<BANKTRANLIST><DTSTART>{first}</DTSTART>\
         <DTEND>{last}</DTEND>\n",
        id = account.id,
    );
    for transaction in transactions {
        entry(text, transaction);
    }
    text.push_str("</BANKTRANLIST>");
    let amounts = transactions.iter().map(|transaction| transaction.amount);
    // A balance that 64 bits cannot hold is left out.
    if let Ok(balance) =
        Money::sum(currency, std::iter::once(account.opening_balance).chain(amounts))
    {
        let balance = balance.amount();
        *text +=
            &format!("<LEDGERBAL><BALAMT>{balance}</BALAMT><DTASOF>{last}</DTASOF></LEDGERBAL>");
    }
    *text += &format!("</{set}></{response}>\n");
}

fn entry(text: &mut String, transaction: &Transaction) {
    let kind = match transaction.amount.minor() {
        _ if transaction.transfer_id.is_some() => "XFER",
        minor if minor < 0 => "DEBIT",
        _ => "CREDIT",
    };
    let payee = transaction.payee.as_deref().unwrap_or(&transaction.description);
    let name: String = one_line(payee).trim().chars().take(MAX_NAME).collect();
    let memo = one_line(&transaction.description);
    let date = transaction.booking_date.format("%Y%m%d");
    let amount = transaction.amount.amount();
    let _ = write!(
        text,
        "<STMTTRN><TRNTYPE>{kind}</TRNTYPE><DTPOSTED>{date}</DTPOSTED><TRNAMT>{amount}</TRNAMT>\
         <FITID>{}</FITID>",
        transaction.id
    );
    if !name.is_empty() {
        let _ = write!(text, "<NAME>{}</NAME>", escaped(&name));
    }
    if !memo.trim().is_empty() && memo.trim() != name {
        let _ = write!(text, "<MEMO>{}</MEMO>", escaped(memo.trim()));
    }
    text.push_str("</STMTTRN>\n");
}

fn escaped(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
