//! The details of one transaction inside an entry (`TxDtls`).

use std::borrow::Cow;

use super::nodes::{Leaf, Side};
use super::scan::attribute;
use super::values;
use crate::import::text::one_line;
use crate::money::Amount;

/// What a `TxDtls` says.
#[derive(Debug, Default)]
pub(super) struct Detail<'a> {
    /// The amount in the currency of the entry, where one is given and can be read.
    amount: Given<'a>,
    /// The same from `AmtDtls/TxAmt`, the only place for it in the first versions.
    transaction_amount: Given<'a>,
    is_credit: Option<bool>,
    debtor: Party<'a>,
    creditor: Party<'a>,
    servicer_reference: Cow<'a, str>,
    reference: Cow<'a, str>,
    reference_rank: u8,
    /// Where its texts begin among those of the entry.
    pub(super) texts_from: usize,
}

/// An amount as it is given.
#[derive(Debug, Default)]
struct Given<'a> {
    value: Option<Amount>,
    currency: &'a str,
}

#[derive(Debug, Default)]
struct Party<'a> {
    name: Cow<'a, str>,
    ultimate_name: Cow<'a, str>,
    account: Cow<'a, str>,
}

impl Party<'_> {
    fn is_missing(&self) -> bool {
        self.name.is_empty() && self.ultimate_name.is_empty() && self.account.is_empty()
    }
}

impl<'a> Detail<'a> {
    pub(super) fn new(texts_from: usize) -> Self {
        Self { texts_from, ..Self::default() }
    }

    /// Takes a value; of a repeated one the first counts.
    pub(super) fn take(&mut self, leaf: Leaf, attributes: &'a str, value: Cow<'a, str>) {
        let value = one_line(value);
        let field = match leaf {
            Leaf::DetailAmount => return self.amount.take(attributes, &value),
            Leaf::TransactionAmount => return self.transaction_amount.take(attributes, &value),
            Leaf::DetailSign => {
                self.is_credit = self.is_credit.or(values::is_credit(&value));
                return;
            }
            Leaf::EndToEndId => return self.take_reference(value, 5),
            Leaf::ChequeNumber => return self.take_reference(value, 4),
            Leaf::InstructionId => return self.take_reference(value, 3),
            Leaf::TransactionId => return self.take_reference(value, 2),
            Leaf::Uetr => return self.take_reference(value, 1),
            Leaf::DetailServicerReference if is_void(&value) => return,
            Leaf::DetailServicerReference => &mut self.servicer_reference,
            Leaf::Name(side) => &mut self.party_mut(side).name,
            Leaf::UltimateName(side) => &mut self.party_mut(side).ultimate_name,
            Leaf::PartyAccountNumber(side) => &mut self.party_mut(side).account,
            _ => return,
        };
        if field.is_empty() {
            *field = value;
        }
    }

    fn take_reference(&mut self, value: Cow<'a, str>, rank: u8) {
        if rank > self.reference_rank && !value.is_empty() && !is_void(&value) {
            self.reference = value;
            self.reference_rank = rank;
        }
    }

    fn party_mut(&mut self, side: Side) -> &mut Party<'a> {
        match side {
            Side::Debtor => &mut self.debtor,
            Side::Creditor => &mut self.creditor,
        }
    }

    fn party(&self, side: Side) -> &Party<'a> {
        match side {
            Side::Debtor => &self.debtor,
            Side::Creditor => &self.creditor,
        }
    }

    /// The signed amount in a currency; without a direction of its own it has that of the entry.
    pub(super) fn signed_amount(&self, currency: &str, entry_is_credit: bool) -> Option<Amount> {
        let given = [&self.amount, &self.transaction_amount];
        let fits = |given: &&&Given<'_>| given.value.is_some() && given.currency == currency;
        let amount = given.iter().find(fits)?.value?;
        Some(signed(amount, self.is_credit(entry_is_credit)))
    }

    pub(super) fn is_credit(&self, entry_is_credit: bool) -> bool {
        self.is_credit.unwrap_or(entry_is_credit)
    }

    pub(super) fn servicer_reference(&self) -> &str {
        &self.servicer_reference
    }

    pub(super) fn reference(&self) -> &str {
        &self.reference
    }

    /// The name and the account of the other party.
    ///
    /// Money in comes from the debtor, money out goes to the creditor. In a reversal the parties
    /// keep the parts that they had in what is reversed. Where one of the accounts is the
    /// statement's own, the other party is the other one whatever else is said.
    pub(super) fn other_party(
        &self,
        is_credit: bool,
        is_reversal: bool,
        own_account: Option<&str>,
    ) -> (&str, &str) {
        let is_own = |party: &Party<'_>| own_account.is_some_and(|own| own == party.account);
        let (side, opposite) = match is_credit != is_reversal {
            true => (Side::Debtor, Side::Creditor),
            false => (Side::Creditor, Side::Debtor),
        };
        let (likely, unlikely) = (self.party(side), self.party(opposite));
        let is_turned = is_own(likely) && !is_own(unlikely)
            || is_reversal && likely.is_missing() && !is_own(unlikely);
        let party = if is_turned { unlikely } else { likely };
        let name = if party.name.is_empty() { &party.ultimate_name } else { &party.name };
        (name, &party.account)
    }
}

impl<'a> Given<'a> {
    fn take(&mut self, attributes: &'a str, value: &str) {
        if self.value.is_none() {
            self.value = values::amount(value).ok();
            self.currency = attribute(attributes, "Ccy").unwrap_or_default();
        }
    }
}

/// An amount with its sign: money out is negative.
pub(super) fn signed(amount: Amount, is_credit: bool) -> Amount {
    if is_credit || amount == Amount::ZERO { amount } else { Amount::new(-amount.decimal()) }
}

/// Whether a reference says that there is none.
pub(super) fn is_void(reference: &str) -> bool {
    ["NOTPROVIDED", "NONREF"].iter().any(|void| reference.eq_ignore_ascii_case(void))
}
