//! Settings of the webhook: where events go, and the secret they are signed with.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::{Secret, check_url, since};

/// The variable with the secret of the webhook. There is no flag for it.
pub const WEBHOOK_SECRET: &str = "FISCAFLOW_WEBHOOK_SECRET";

/// Who is told of events.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where they are posted. The address may be all that is needed to post there.
    pub url: Secret,
    /// What they are signed with: base64, as `whsec_...` without that.
    pub secret: Option<Secret>,
    /// For one event.
    pub timeout: Duration,
    /// Events from before are not told.
    pub since: Option<DateTime<Utc>>,
}

pub(super) fn read(
    text: &dyn Fn(&str) -> String,
    timeout: Duration,
    secret: &str,
) -> Result<Option<Webhook>, String> {
    let url = text("webhook-url");
    if url.is_empty() {
        return Ok(None);
    }
    check_url("webhook-url", &url)?;
    let secret = match secret {
        "" => None,
        given => {
            let encoded = given.strip_prefix("whsec_").unwrap_or_default();
            let bytes = STANDARD.decode(encoded).map_or(0, |bytes| bytes.len());
            if !(24..=64).contains(&bytes) {
                return Err(format!(
                    "{WEBHOOK_SECRET} is `whsec_` and the base64 of 24 to 64 bytes"
                ));
            }
            Some(Secret::new(encoded))
        }
    };
    let since = since("webhook-since", &text("webhook-since"))?;
    Ok(Some(Webhook { url: Secret::new(&url), secret, timeout, since }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse};

    fn parsed(args: &[&str], secret: &str) -> Result<Config, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let secret = |name: &str| (name == WEBHOOK_SECRET).then(|| secret.to_owned());
        Ok(parse(&args, &secret)?.1)
    }

    /// Holds: nobody is told unless an address is given; events go to others by TLS alone; the
    /// secret is whole or refused, and is in no `Debug`; nor is the address.
    #[test]
    fn a_webhook_is_off_and_its_secret_is_hidden() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert!(parsed(&[], secret).unwrap().webhook.is_none());
        let local = ["--webhook-url", "http://127.0.0.1:80/hook?key=sesame"];
        let config = parsed(&local, secret).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("MfKQ9") && !shown.contains("sesame"), "{shown}");
        let webhook = config.webhook.unwrap();
        assert_eq!(Some(webhook.secret.unwrap().reveal()), secret.strip_prefix("whsec_"));
        assert_eq!((webhook.timeout, webhook.since), (Duration::from_secs(10), None));
        assert!(parsed(&local, "").unwrap().webhook.unwrap().secret.is_none());
        for bad in
            ["sesame", "whsec_", "whsec_c2VzYW1l", "whsec_*", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            let said = parsed(&local, bad).unwrap_err();
            assert!(said.contains(WEBHOOK_SECRET), "{said}");
            assert!(bad == "whsec_" || !said.contains(bad), "{said}");
        }
        for url in [
            "http://example.org",
            "127.0.0.1",
            "file:///etc/passwd",
            "http://localhost:x@other.example/hook",
            "http://127.0.0.1@other.example/",
            "https://name:word@example.org/",
            "https://",
        ] {
            assert!(parsed(&["--webhook-url", url], "").unwrap_err().contains("--webhook-url"));
        }
        let since = [&local[..], &["--webhook-since", "2026-03-01T00:00:00Z"]].concat();
        assert!(parsed(&since, "").unwrap().webhook.unwrap().since.is_some());
        let since = [&local[..], &["--webhook-since", "March"]].concat();
        assert!(parsed(&since, "").unwrap_err().contains("--webhook-since"));
    }
}
