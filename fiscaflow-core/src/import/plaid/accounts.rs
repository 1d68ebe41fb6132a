//! The accounts of a file, each with the statement that its transactions go into.

use std::collections::BTreeMap;

use super::json::{Broken, Json, Scalar};
use crate::import::Statement;
use crate::import::text::one_line;
use crate::money::Amount;

/// The statements of a file, found by account.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) statements: Vec<Statement>,
    /// Their places by account; transactions that name none have one as well.
    places: BTreeMap<Option<String>, usize>,
    /// The place that was asked for last: transactions of an account often stand together.
    last: usize,
    /// What the account owes or has now, by the place of its statement.
    balances: Vec<(usize, Amount)>,
}

/// An account as an answer describes it.
#[derive(Debug, Default)]
struct Described {
    id: Option<String>,
    kind: Option<String>,
    currency: Option<String>,
    balance: Option<Amount>,
}

impl Accounts {
    /// Reads the next value, if it is an account.
    pub(super) fn read(&mut self, json: &mut Json<'_>) -> Result<(), Broken> {
        if json.enter(b'{')? {
            let described = describe(json)?;
            self.add(described);
            return Ok(());
        }
        json.skip()
    }

    fn add(&mut self, described: Described) {
        let Described { id, kind, currency, balance } = described;
        let place = self.place(id.as_deref());
        if let Some(statement) = self.statements.get_mut(place)
            && statement.currency.is_none()
        {
            statement.currency = currency;
        }
        // What a card or loan owes is written without a sign.
        let balance = match (kind.as_deref(), balance) {
            (Some("depository"), Some(turned)) if turned != Amount::ZERO => {
                Some(Amount::new(-turned.decimal()))
            }
            (Some("depository" | "credit" | "loan"), turned) => turned,
            _ => None,
        };
        self.balances.extend(balance.map(|balance| (place, balance)));
    }

    /// Begins a statement of its own, whatever others there are.
    pub(super) fn begin(&mut self) -> usize {
        self.statements.push(Statement::default());
        self.statements.len().saturating_sub(1)
    }

    /// The place of an account's statement, which is made where there is none yet.
    pub(super) fn place(&mut self, id: Option<&str>) -> usize {
        let is_last = |it: &Statement| it.account.as_deref() == id;
        if self.statements.get(self.last).is_some_and(is_last) {
            return self.last;
        }
        let id = id.map(str::to_owned);
        self.last = match self.places.get(&id) {
            Some(place) => *place,
            None => {
                let place = self.begin();
                if let Some(statement) = self.statements.get_mut(place) {
                    statement.account.clone_from(&id);
                }
                self.places.insert(id, place);
                place
            }
        };
        self.last
    }

    /// Gives the statements the balances of their accounts: they are those of now, so they close
    /// only what leads up to now.
    pub(super) fn close(&mut self) {
        for (place, balance) in &self.balances {
            if let Some(statement) = self.statements.get_mut(*place) {
                statement.closing_balance = Some(*balance);
            }
        }
    }
}

fn describe(json: &mut Json<'_>) -> Result<Described, Broken> {
    let mut described = Described::default();
    while let Some(key) = json.next_key()? {
        match key {
            "account_id" => described.id = text(json)?,
            "type" => described.kind = text(json)?,
            "balances" if json.enter(b'{')? => {
                while let Some(key) = json.next_key()? {
                    match key {
                        "iso_currency_code" => {
                            described.currency = text(json)?.or(described.currency)
                        }
                        "unofficial_currency_code" => {
                            let code = text(json)?;
                            described.currency = described.currency.or(code);
                        }
                        "current" => {
                            described.balance = match json.scalar()? {
                                Scalar::Number(number) => super::values::turned_amount(number).ok(),
                                _ => None,
                            };
                        }
                        _ => json.skip()?,
                    }
                }
            }
            _ => json.skip()?,
        }
    }
    Ok(described)
}

/// The next value, if it is a text that is not blank.
pub(super) fn text(json: &mut Json<'_>) -> Result<Option<String>, Broken> {
    Ok(json.text()?.map(|text| one_line(text).into_owned()).filter(|text| !text.is_empty()))
}
