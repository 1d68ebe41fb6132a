//! What headers mean, in the languages of banks.
//!
//! Headers are compared as plain words (see [`super::text::words`]). One header can mean several
//! things: `valuta` is a value date in one file and a currency in another, `valor` an amount in
//! Portuguese and a value date in Spanish. [`meaning`] gives every meaning, best first; the
//! column's cells choose among them.

use super::profile::ColumnRole;
use super::text::words;
use super::vocabulary::{self, List};
use super::words::Mark;
use crate::money::Currency;

/// A header's words, and what its brackets and endings say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Title {
    /// The words without brackets and currency.
    pub words: String,
    /// The currency that the header names: `Amount (EUR)`, `Betrag in CHF`.
    pub currency: Option<Currency>,
    /// Whether the header is about another currency than the account's.
    pub foreign: bool,
    /// Whether there is any text.
    pub named: bool,
    /// All words, brackets included.
    pub full: String,
}

impl Title {
    /// Takes a header apart.
    pub fn of(header: &str) -> Self {
        let full = words(header);
        let mut title = Self { named: !full.is_empty(), full, ..Self::default() };
        let mut plain = String::with_capacity(header.len());
        let mut rest = header;
        while let Some((before, after)) = rest.split_once(['(', '[']) {
            let (inside, behind) = after.split_once([')', ']']).unwrap_or((after, ""));
            plain.push_str(before);
            plain.push(' ');
            title.take_brackets(inside, &mut plain);
            rest = behind;
        }
        plain.push_str(rest);
        let plain = title.take_sign(&plain);
        title.words = words(&plain);
        title.take_ending();
        title.foreign |= List::Other.has_word_of(&title.words);
        title
    }

    fn take_brackets(&mut self, inside: &str, plain: &mut String) {
        let inside = inside.trim();
        if let Some(Mark::Known(currency)) = Mark::of(inside) {
            self.currency = Some(currency);
            return;
        }
        let text = words(inside);
        if List::Other.has_word_of(&text) {
            self.foreign = true;
        } else if !is_form(&text) && inside.len() > 1 {
            plain.push_str(inside);
            plain.push(' ');
        }
    }

    /// Takes a currency sign out of a header: `Amount £`.
    fn take_sign(&mut self, plain: &str) -> String {
        let mut kept = String::with_capacity(plain.len());
        for word in plain.split(' ') {
            match Mark::of(word) {
                Some(Mark::Known(currency)) if !word.is_ascii() => self.currency = Some(currency),
                _ => {
                    kept.push_str(word);
                    kept.push(' ');
                }
            }
        }
        kept
    }

    /// Takes a currency off the end of a header: `Amount CZK`, `bedrag in EUR`, `Montant EUROS`.
    fn take_ending(&mut self) {
        let Some((before, last)) = self.words.rsplit_once(' ') else { return };
        let known = match last {
            "euro" | "euros" => Currency::iso("EUR").ok(),
            "francs" => {
                self.foreign = true;
                return;
            }
            code => super::words::code(code),
        };
        if let Some(currency) = known {
            self.currency = Some(currency);
            let before = ["in", "en", "im", "v", "w"]
                .iter()
                .find_map(|word| before.strip_suffix(word)?.strip_suffix(' '))
                .unwrap_or(before);
            self.words = before.to_owned();
        }
    }
}

/// Whether a bracket explains the form of cells: `(DD/MM/YYYY)`, `(UTC)`.
fn is_form(text: &str) -> bool {
    const FORMS: &[&str] = &["utc", "gmt", "local", "local time", "optional", "d", "c", "s", "h"];
    FORMS.contains(&text)
        || text.split(' ').all(|word| {
            matches!(word, "dd" | "mm" | "yyyy" | "yy" | "jjjj" | "aaaa" | "rrrr" | "tt" | "gg")
        })
}

/// What a header may mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Meaning {
    /// The roles, best first.
    pub roles: Vec<ColumnRole>,
    /// Whether the header itself is known, not just one of its words.
    pub exact: bool,
}

/// Everything that a header may mean.
pub(super) fn meaning(title: &Title) -> Meaning {
    let mut found = Meaning { roles: Vec::new(), exact: true };
    if title.words.is_empty() {
        return found;
    }
    found.roles.extend_from_slice(vocabulary::roles(&title.words));
    if found.roles.is_empty() {
        found.roles.extend_from_slice(vocabulary::roles(strip_number(&title.words)));
    }
    if title.foreign && title.currency.is_none() {
        // `original amount` is not the amount; `counterparty name` is still a payee.
        found.roles.retain(|role| !is_own(*role));
    }
    if found.roles.is_empty() && !title.foreign {
        found.roles.extend(by_word(&title.words));
        found.exact = false;
    }
    found
}

/// Whether a role is about the account's own movement.
fn is_own(role: ColumnRole) -> bool {
    use ColumnRole::*;
    matches!(role, Amount | Debit | Credit | Balance | Currency | Account)
}

/// `vwz 3` and `vwz3` are `vwz`.
fn strip_number(text: &str) -> &str {
    text.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end()
}

/// The meaning of a header that is in no list, by one of its words.
fn by_word(text: &str) -> Option<ColumnRole> {
    if List::DatePart.is_within(text) || List::DateWord.has_word_of(text) {
        let value = List::ValuePart.is_within(text);
        Some(if value { ColumnRole::ValueDate } else { ColumnRole::BookingDate })
    } else if List::BalancePart.is_within(text) {
        Some(ColumnRole::Balance)
    } else if List::AmountPart.is_within(text) {
        Some(ColumnRole::Amount)
    } else if List::DescriptionPart.is_within(text) {
        Some(ColumnRole::Description)
    } else {
        None
    }
}

/// How much of a record reads like a header: known headers, and whether they include a date and an
/// amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Score {
    /// Whether a date and an amount are among them.
    pub complete: bool,
    /// How many cells are known headers.
    pub known: usize,
}

/// Scores a record as a header.
pub(super) fn score<'c>(cells: impl Iterator<Item = &'c str>) -> Score {
    let (mut known, mut date, mut amount) = (0, false, false);
    for cell in cells {
        if cell.len() > 300 || !cell.chars().any(char::is_alphabetic) {
            continue;
        }
        let roles = meaning(&Title::of(cell)).roles;
        known += usize::from(!roles.is_empty());
        date |= roles.contains(&ColumnRole::BookingDate) || roles.contains(&ColumnRole::ValueDate);
        amount |= roles.iter().any(|role| {
            matches!(role, ColumnRole::Amount | ColumnRole::Debit | ColumnRole::Credit)
        });
    }
    Score { complete: date && amount, known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(header: &str) -> Option<ColumnRole> {
        meaning(&Title::of(header)).roles.first().copied()
    }

    #[test]
    fn headers_of_many_languages_are_known() {
        // Holds: the usual headers of banks in their own languages have their meaning.
        use ColumnRole::*;
        let table = [
            ("Buchungstag", BookingDate),
            ("Date d'opération", BookingDate),
            ("F. Operación", BookingDate),
            ("Data contabile", BookingDate),
            ("Boekdatum", BookingDate),
            ("Datum provedení", BookingDate),
            ("Tranzakció dátuma", BookingDate),
            ("Data księgowania", BookingDate),
            ("Bokföringsdag", BookingDate),
            ("Bogføringsdato", BookingDate),
            ("Kirjauspäivä", BookingDate),
            ("Transaction Date", BookingDate),
            ("Wertstellung", ValueDate),
            ("Date de valeur", ValueDate),
            ("Értéknap", ValueDate),
            ("Betrag (EUR)", Amount),
            ("Importe", Amount),
            ("Částka", Amount),
            ("Kwota", Amount),
            ("Belopp", Amount),
            ("Beløb", Amount),
            ("Tranzakció összege", Amount),
            ("Belastung", Debit),
            ("Paid out (£)", Debit),
            ("Withdrawals (SGD)", Debit),
            ("Gutschrift", Credit),
            ("Deposit (+)", Credit),
            ("Ve prospěch", Credit),
            ("Solde", Balance),
            ("Zůstatek", Balance),
            ("Egyenleg", Balance),
            ("Af Bij", Direction),
            ("Bevétel/Kiadás", Direction),
            ("Soll/Haben", Direction),
            ("Libellé", Description),
            ("Verwendungszweck", Description),
            ("VWZ12", Description),
            ("Empfänger", Payee),
            ("Naam tegenpartij", Payee),
        ];
        for (header, role) in table {
            assert_eq!(first(header), Some(role), "{header}");
        }
    }

    #[test]
    fn other_currencies_and_parties_are_not_the_accounts_own() {
        // Holds: an original amount, a fee or the other party's account has no role of the account.
        for header in [
            "Original Amount",
            "Betrag (Fremdwährung)",
            "amount_refunded",
            "Číslo protiúčtu",
            "IBAN Tegenpartij",
            "Původní částka",
            "Exchange Rate",
            "Local Currency",
            "Fee",
        ] {
            let roles = meaning(&Title::of(header)).roles;
            assert!(!roles.iter().any(|role| is_own(*role)), "{header}: {roles:?}");
        }
        assert_eq!(Title::of("bedrag in EUR").currency, Currency::iso("EUR").ok());
        assert_eq!(Title::of("Amount CZK").words, "amount");
    }
}
