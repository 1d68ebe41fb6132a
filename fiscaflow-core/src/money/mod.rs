//! Money: exact amounts in the smallest unit of a currency.
//!
//! Everything that adds, compares, shares out or prints an amount lives here, so that no other
//! module touches minor units by hand: `currency` knows the codes, `amount` the numbers as they
//! are written, `allocate` how an amount is shared without losing a unit.

mod allocate;
mod amount;
mod currency;
mod iso4217;

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use amount::Amount;
pub use currency::Currency;

use crate::error::{Error, ErrorCode, Result};

/// An exact amount: a signed count of minor units and their currency.
///
/// On the wire it is `{"value": "-12.34", "currency": "EUR"}`.
///
/// ```
/// use fiscaflow_core::{Currency, ErrorCode, Money};
///
/// let eur = Currency::iso("EUR")?;
/// let rent = Money::parse("-800.00", eur)?;
/// assert_eq!(rent.minor(), -80_000);
/// assert_eq!(rent.checked_add(Money::parse("0.5", eur)?)?.to_string(), "-799.50 EUR");
///
/// let yen = Money::parse("100", Currency::iso("JPY")?)?;
/// assert_eq!(rent.checked_add(yen).unwrap_err().code(), ErrorCode::CurrencyMismatch);
/// assert_eq!(Money::parse("1.005", eur).unwrap_err().code(), ErrorCode::AmountScale);
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "MoneyWire", try_from = "MoneyWire")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units (cents, pence, yen) of a currency.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads a plain decimal such as `-12.34`; refuses what it would have to round.
    pub fn parse(text: &str, currency: Currency) -> Result<Self> {
        Self::from_amount(text.parse()?, currency)
    }

    /// Gives an amount its currency. Zeros behind the last minor unit are dropped; any other digit
    /// there is `amount_scale`, and what does not fit is `amount_overflow`.
    pub fn from_amount(amount: Amount, currency: Currency) -> Result<Self> {
        let value = amount.decimal().normalize();
        let exponent = u32::from(currency.exponent());
        let missing_places = exponent.checked_sub(value.scale()).ok_or_else(|| {
            let text = format!("`{currency}` has {exponent} decimal places");
            Error::new(ErrorCode::AmountScale, text)
        })?;
        let minor = 10_i128
            .checked_pow(missing_places)
            .and_then(|factor| value.mantissa().checked_mul(factor))
            .and_then(|minor| i64::try_from(minor).ok())
            .ok_or_else(overflow)?;
        Ok(Self { minor, currency })
    }

    /// The signed count of minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount as a decimal with all decimal places of its currency.
    pub fn amount(self) -> Amount {
        Amount::new(Decimal::new(self.minor, u32::from(self.currency.exponent())))
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The exact sum; another currency or a sum that does not fit is an error.
    pub fn checked_add(self, other: Self) -> Result<Self> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or_else(overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The exact difference; another currency or a result that does not fit is an error.
    pub fn checked_sub(self, other: Self) -> Result<Self> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or_else(overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The amount with the other sign; the smallest amount has none.
    pub fn checked_neg(self) -> Result<Self> {
        let minor = self.minor.checked_neg().ok_or_else(overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The exact sum of amounts in one currency. Only the total has to fit, not the steps.
    ///
    /// ```
    /// use fiscaflow_core::{Currency, Money};
    ///
    /// let eur = Currency::iso("EUR")?;
    /// let largest = Money::from_minor(i64::MAX, eur);
    /// let total = Money::sum(eur, [largest, Money::from_minor(1, eur), largest.checked_neg()?])?;
    /// assert_eq!(total.minor(), 1);
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self> {
        let mut total = 0_i128;
        for amount in amounts {
            Self::zero(currency).same_currency(amount)?;
            total = total.checked_add(i128::from(amount.minor)).ok_or_else(overflow)?;
        }
        Self::from_wide(total, currency)
    }

    /// A wide count of minor units, as sums are kept in, or `amount_overflow`.
    pub(crate) fn from_wide(minor: i128, currency: Currency) -> Result<Self> {
        let minor = i64::try_from(minor).map_err(|_| overflow())?;
        Ok(Self { minor, currency })
    }

    fn same_currency(self, other: Self) -> Result<()> {
        if self.currency == other.currency {
            return Ok(());
        }
        let text = format!("`{}` and `{}` cannot be combined", self.currency, other.currency);
        Err(Error::new(ErrorCode::CurrencyMismatch, text).field("currency"))
    }
}

fn overflow() -> Error {
    Error::new(ErrorCode::AmountOverflow, "the amount does not fit into 64-bit minor units")
}

/// A quotient rounded half to even; the divisor is above zero.
pub(crate) fn div_half_even(number: i128, divisor: i128) -> i128 {
    let (floor, below) = (number.div_euclid(divisor), number.rem_euclid(divisor));
    let above = divisor - below;
    floor + i128::from(below > above || (below == above && floor % 2 != 0))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An exact amount and its currency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Money))]
struct MoneyWire {
    /// The decimal, with all decimal places of the currency.
    value: Amount,
    /// The currency's code.
    currency: Currency,
}

impl From<Money> for MoneyWire {
    fn from(money: Money) -> Self {
        Self { value: money.amount(), currency: money.currency }
    }
}

impl TryFrom<MoneyWire> for Money {
    type Error = Error;

    fn try_from(wire: MoneyWire) -> Result<Self> {
        Self::from_amount(wire.value, wire.currency)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <MoneyWire as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Money {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        // Holds: the one rounding is half to even, below zero too.
        let cases = [(5, 0), (15, 2), (25, 2), (26, 3), (-5, 0), (-15, -2), (-25, -2), (-26, -3)];
        for (tenths, rounded) in cases {
            assert_eq!(div_half_even(tenths, 10), rounded, "{tenths}");
        }
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_decimals(
            value in -1_000_000_000_i64..1_000_000_000,
            scale in 0_u32..9,
        ) {
            // Holds: the quotient by a power of ten is what the decimal library rounds it to.
            let expected = Decimal::new(value, scale).round().mantissa();
            prop_assert_eq!(div_half_even(value.into(), 10_i128.pow(scale)), expected);
        }
    }
}
