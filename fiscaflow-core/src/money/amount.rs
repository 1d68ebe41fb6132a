//! `Amount`: an exact decimal number that has not met its currency yet.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, ErrorCode, Result};

/// An exact decimal number as it stands in a file or a request.
///
/// It keeps the scale it was written with and becomes [`Money`](super::Money) when a currency
/// is known. On the wire it is a string; a JSON number is refused, because many writers pass
/// numbers through binary floats.
///
/// ```
/// use fiscaflow_core::Amount;
///
/// let amount: Amount = "-1234.50".parse()?;
/// assert_eq!(amount.to_string(), "-1234.50");
/// assert!("1,234.50".parse::<Amount>().is_err());
/// assert!(serde_json::from_str::<Amount>("12.5").is_err());
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Wraps a decimal.
    pub const fn new(value: Decimal) -> Self {
        Self(value)
    }

    /// The decimal inside.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The exact sum, or `amount_overflow`.
    ///
    /// A sum that only fits after dropping decimal places counts as an overflow.
    pub fn checked_add(self, other: Self) -> Result<Self> {
        let scale = self.0.scale().max(other.0.scale());
        match self.0.checked_add(other.0) {
            Some(sum) if sum.scale() >= scale || sum.is_zero() => Ok(Self(sum)),
            _ => Err(Error::new(ErrorCode::AmountOverflow, "the sum does not fit")),
        }
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// Reads an optional sign, digits and an optional point with digits. Nothing is rounded: more
    /// than 28 significant digits are refused.
    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(Error::new(
                ErrorCode::InvalidAmount,
                "expected a decimal such as `-12.34`",
            ));
        }
        Decimal::from_str_exact(text)
            .map(Self)
            .map_err(|_| Error::new(ErrorCode::AmountOverflow, "the amount has too many digits"))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        text.parse().map_err(Error::into_serde)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Amount, E> {
        Err(number_refused())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Amount, E> {
        Err(number_refused())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Amount, E> {
        Err(number_refused())
    }
}

fn number_refused<E: de::Error>() -> E {
    let text = "an amount is a decimal string such as `\"-12.34\"`, never a number";
    Error::new(ErrorCode::InvalidAmount, text).into_serde()
}

crate::api::schema::string_schema!(Amount, "decimal", "An exact decimal number such as `-12.34`.");
