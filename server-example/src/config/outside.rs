//! Settings of outside help: whose API, which model, and the key that nobody sees.

use std::time::Duration;

use super::check_url;

/// The variable with the key of whoever is asked outside. There is no flag for it.
pub const OUTSIDE_KEY: &str = "FISCAFLOW_OUTSIDE_KEY";

/// A text that is shown to nobody.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, for whoever has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Whose API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// OpenAI's Chat Completions, which many other servers speak as well.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
}

impl Vendor {
    /// Its name in settings and sources.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    const fn url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
        }
    }
}

/// What a million tokens cost, in millionths of a unit of the currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// The currency.
    pub currency: String,
    /// Of those that are sent.
    pub input_micros: u64,
    /// Of those that come back.
    pub output_micros: u64,
}

/// Who is asked outside.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Whose API.
    pub vendor: Vendor,
    /// Which model.
    pub model: String,
    /// Where: the base URL.
    pub url: String,
    /// The key, which only the environment tells: other users of a machine see command lines.
    pub key: Secret,
    /// For one batch of payees, repeats included.
    pub timeout: Duration,
    /// What it costs, where that is to be counted.
    pub prices: Option<Prices>,
}

pub(super) fn read(
    text: &dyn Fn(&str) -> String,
    timeout: Duration,
    key: Secret,
) -> Result<Option<Outside>, String> {
    let vendor = match text("outside").as_str() {
        "" => return Ok(None),
        "openai" => Vendor::OpenAi,
        "anthropic" => Vendor::Anthropic,
        _ => return Err("`--outside` is `openai` or `anthropic`".to_owned()),
    };
    let (model, url) = (text("outside-model"), text("outside-url"));
    if model.is_empty() {
        return Err("`--outside` needs `--outside-model`".to_owned());
    }
    if key.reveal().is_empty() && url.is_empty() {
        return Err(format!("`--outside` needs the vendor's key in {OUTSIDE_KEY}"));
    }
    let url = if url.is_empty() { vendor.url().to_owned() } else { url };
    check_url("outside-url", &url)?;
    let prices = text("outside-prices");
    let prices = if prices.is_empty() { None } else { Some(prices_of(&prices)?) };
    Ok(Some(Outside { vendor, model, url, key, timeout, prices }))
}

fn prices_of(text: &str) -> Result<Prices, String> {
    let bad =
        || "`--outside-prices` is a currency and two prices, such as `USD 0.25 2.00`".to_owned();
    let mut words = text.split_whitespace();
    let (Some(currency), Some(input), Some(output), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad());
    };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(bad());
    }
    Ok(Prices {
        currency: currency.to_owned(),
        input_micros: micros(input).ok_or_else(bad)?,
        output_micros: micros(output).ok_or_else(bad)?,
    })
}

/// Millionths; none where there are more than six places, or it is no plain decimal.
fn micros(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > 6 || !digits(whole) || !digits(rest) {
        return None;
    }
    format!("{whole}{rest:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse};

    fn parsed(args: &[&str]) -> Result<Config, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let key = |name: &str| (name == OUTSIDE_KEY).then(|| " sesame\n".to_owned());
        Ok(parse(&args, &key)?.1)
    }

    /// Holds: nobody is asked unless told so, a key goes to others only by TLS and is in no
    /// `Debug`, and prices are exact or refused.
    #[test]
    fn outside_help_is_off_and_its_key_is_hidden() {
        assert!(parsed(&[]).unwrap().outside.is_none());
        let outside = |args: &[&str]| {
            let base = ["--outside", "anthropic", "--outside-model", "m"];
            let config = parsed(&[&base, args].concat())?;
            assert!(!format!("{config:?}").contains("sesame"));
            Ok::<Outside, String>(config.outside.unwrap())
        };
        let found = outside(&[]).unwrap();
        assert_eq!((found.url.as_str(), found.key.reveal()), (Vendor::Anthropic.url(), "sesame"));
        assert!(found.prices.is_none());
        for url in ["http://127.0.0.1:80/v1", "http://localhost/v1", "https://example.org"] {
            assert_eq!(outside(&["--outside-url", url]).unwrap().url, url);
        }
        for url in [
            "http://example.org",
            "ftp://127.0.0.1",
            "http://127.0.0.1.example.org/",
            "x",
            "http://localhost:x@other.example/v1",
        ] {
            assert!(outside(&["--outside-url", url]).unwrap_err().contains("--outside-url"));
        }
        let prices = outside(&["--outside-prices", "USD 0.25 2"]).unwrap().prices.unwrap();
        assert_eq!((prices.input_micros, prices.output_micros), (250_000, 2_000_000));
        for bad in [
            "USD 1",
            "USD 1 2 3",
            "usd 1 2",
            "USD -1 2",
            "USD .5 2",
            "USD 0.1234567 2",
            "USD 1e3 2",
        ] {
            assert!(outside(&["--outside-prices", bad]).unwrap_err().contains("--outside-prices"));
        }
    }
}
