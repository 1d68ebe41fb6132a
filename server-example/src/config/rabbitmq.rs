//! Settings of the broker: where it is, which exchange, and the URL that nobody sees.

use std::time::Duration;

use axum::http::Uri;
use chrono::{DateTime, Utc};

use super::{Secret, since};

/// The variable with the broker's URL, which has a password in it. There is no flag for it.
pub const RABBITMQ_URL: &str = "FISCAFLOW_RABBITMQ_URL";

/// Where events are published.
#[derive(Debug, Clone)]
pub struct RabbitMq {
    /// The broker: `amqps://USER:PASSWORD@HOST/VHOST`, or `amqp://` on this machine.
    pub url: Secret,
    /// The topic exchange.
    pub exchange: String,
    /// For a connection, and for the confirmation of one event.
    pub timeout: Duration,
    /// Events from before are not told.
    pub since: Option<DateTime<Utc>>,
}

pub(super) fn read(
    text: &dyn Fn(&str) -> String,
    timeout: Duration,
    url: &str,
) -> Result<Option<RabbitMq>, String> {
    if url.is_empty() {
        return Ok(None);
    }
    let uri = url.parse::<Uri>().map_err(|_| format!("{RABBITMQ_URL} is no URL"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("amqps"), Some(_)) | (Some("amqp"), Some("localhost" | "127.0.0.1")) => {}
        _ => {
            return Err(format!(
                "{RABBITMQ_URL} begins with `amqps://`; only this machine itself, 127.0.0.1 or \
                 localhost, is called with `amqp://`"
            ));
        }
    }
    let exchange = text("rabbitmq-exchange");
    if exchange.is_empty() || exchange.len() > 255 {
        return Err("`--rabbitmq-exchange` is a name of 1 to 255 bytes".to_owned());
    }
    let since = since("rabbitmq-since", &text("rabbitmq-since"))?;
    Ok(Some(RabbitMq { url: Secret::new(url), exchange, timeout, since }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse};

    fn parsed(args: &[&str], url: &str) -> Result<Config, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Ok(parse(&args, &|name| (name == RABBITMQ_URL).then(|| url.to_owned()))?.1)
    }

    /// Holds: nothing is published unless a broker is named; events and the password go to others
    /// by TLS alone; the URL is in no `Debug` and in no error.
    #[test]
    fn a_broker_is_off_and_its_url_is_hidden() {
        assert!(parsed(&[], "").unwrap().rabbitmq.is_none());
        let config = parsed(&[], "amqp://books:sesame@127.0.0.1:5672/%2f").unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
        let broker = config.rabbitmq.unwrap();
        assert_eq!((broker.exchange.as_str(), broker.timeout.as_secs()), ("fiscaflow", 10));
        assert_eq!(broker.since, None);
        assert!(parsed(&[], "amqps://books:sesame@mq.example.org/books").is_ok());
        for url in [
            "amqp://books:sesame@mq.example.org",
            "http://localhost",
            "localhost:5672",
            "amqp://localhost:x@other.example/sesame",
            "amqps://",
        ] {
            let said = parsed(&[], url).unwrap_err();
            assert!(said.contains(RABBITMQ_URL) && !said.contains("sesame"), "{said}");
        }
        let long = "x".repeat(256);
        for (flag, bad) in [("exchange", ""), ("exchange", long.as_str()), ("since", "March")] {
            let flag = format!("--rabbitmq-{flag}");
            let said = parsed(&[&flag, bad], "amqp://localhost").unwrap_err();
            assert!(said.contains(&flag), "{said}");
        }
    }
}
