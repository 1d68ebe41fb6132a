//! `Currency`: a code and how many decimal places its smallest unit has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::iso4217::ISO_4217;
use crate::error::{Error, ErrorCode, Result};

const MAX_CODE: usize = 8;

/// A currency: its code and the number of decimal places of its minor unit.
///
/// ISO 4217 codes are known with their exponents; a book may register others (see
/// [`Currency::custom`]). Two currencies are equal when code and exponent are.
///
/// ```
/// use fiscaflow_core::Currency;
///
/// assert_eq!(Currency::iso("JPY")?.exponent(), 0);
/// assert_eq!(Currency::iso("KWD")?.exponent(), 3);
/// assert!(Currency::iso("XAU").is_err(), "gold has no minor unit");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; MAX_CODE],
    exponent: u8,
}

impl Currency {
    /// The most decimal places a currency may have.
    pub const MAX_EXPONENT: u8 = 8;

    /// The ISO 4217 currency of that code, which is written in capitals.
    pub fn iso(code: &str) -> Result<Self> {
        // From the back: most money is in what comes after two short groups, not after a longer.
        let listed = ISO_4217.iter().rev().find(|(_, codes)| codes.binary_search(&code).is_ok());
        match listed {
            Some((exponent, _)) => Self::pack(code, *exponent),
            None => Err(unknown(code)),
        }
    }

    /// A currency that is not in ISO 4217: 3 to 8 capitals or digits, at most 8 decimal places.
    ///
    /// ```
    /// use fiscaflow_core::Currency;
    ///
    /// assert_eq!(Currency::custom("BTC", 8)?.code(), "BTC");
    /// assert!(Currency::custom("EUR", 3).is_err(), "ISO codes keep their exponent");
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn custom(code: &str, exponent: u8) -> Result<Self> {
        if Self::iso(code).is_ok() {
            return Err(Error::invalid("currency", format!("`{code}` is an ISO 4217 code")));
        }
        if exponent > Self::MAX_EXPONENT {
            return Err(Error::invalid("exponent", "a currency has at most 8 decimal places"));
        }
        Self::pack(code, exponent)
    }

    fn pack(code: &str, exponent: u8) -> Result<Self> {
        let fits = (3..=MAX_CODE).contains(&code.len());
        if !fits || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Err(unknown(code));
        }
        let mut packed = [0; MAX_CODE];
        for (slot, byte) in packed.iter_mut().zip(code.bytes()) {
            *slot = byte;
        }
        Ok(Self { code: packed, exponent })
    }

    /// The code, such as `EUR`.
    pub fn code(&self) -> &str {
        let text = std::str::from_utf8(&self.code).unwrap_or_default();
        text.trim_end_matches('\0')
    }

    /// How many decimal places the minor unit has: 2 for cents, 0 for yen.
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Every ISO 4217 currency that has a minor unit, by code.
    pub fn all_iso() -> Vec<Self> {
        let mut all: Vec<Self> = ISO_4217
            .iter()
            .flat_map(|(exponent, codes)| codes.iter().map(|code| Self::pack(code, *exponent)))
            .filter_map(Result::ok)
            .collect();
        all.sort();
        all
    }

    /// The form that is stored: the code alone for ISO 4217, `CODE:exponent` for others.
    pub fn stored(&self) -> String {
        match Self::iso(self.code()) {
            Ok(_) => self.code().to_owned(),
            Err(_) => format!("{}:{}", self.code(), self.exponent),
        }
    }

    /// Reads what [`Currency::stored`] wrote.
    pub fn from_stored(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None => Self::iso(text),
            Some((code, exponent)) => {
                let exponent = exponent.parse().map_err(|_| unknown(text))?;
                Self::custom(code, exponent)
            }
        }
    }
}

/// What does not look like a code may be any text of a file, so it is not repeated.
fn unknown(code: &str) -> Error {
    let text = if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        format!("unknown currency `{code}`")
    } else {
        "unknown currency; a code looks like `EUR`".to_owned()
    };
    Error::new(ErrorCode::UnknownCurrency, text).field("currency")
}

impl FromStr for Currency {
    type Err = Error;

    /// The ISO 4217 currency of that code.
    fn from_str(code: &str) -> Result<Self> {
        Self::iso(code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.stored())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_stored(&text).map_err(Error::into_serde)
    }
}

crate::api::schema::string_schema!(Currency, "currency", "A currency code such as `EUR`.");
