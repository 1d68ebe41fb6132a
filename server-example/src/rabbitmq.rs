//! Events to RabbitMQ: one persistent message an event, each confirmed before the next.
//!
//! The body is `{"book_id", "event"}`, the routing key the event's name, the message id the event's
//! id, the same at every delivery. A broker confirms a message that it could give to no queue, so
//! messages are `mandatory`: one that comes back was not delivered. Confirmations are waited for
//! one by one and not in a row: were the second of three returned, the third would be in the queue
//! before it. Every wait has a time limit, for lapin may wait for a broker that has gone. Whatever
//! fails ends the connection; the next event makes another, as seldom as the relay asks.

use std::fmt;

use async_trait::async_trait;
use chrono::TimeDelta;
use fiscaflow_core::outbox::{EventSink, Outgoing, RelayOptions, Undelivered};
use fiscaflow_core::store::LONGEST_WAIT;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
};
use rustls::crypto::ring;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::config::RabbitMq;

/// Events in one turn of a book.
const BATCH: u32 = 20;
/// A message that is on the broker's disk before it is confirmed, where its queue is durable.
const PERSISTENT: u8 = 2;

/// A broker to which events are published.
///
/// ```no_run
/// use fiscaflow_server::config::{RABBITMQ_URL, parse};
/// use fiscaflow_server::rabbitmq::RabbitMqSink;
///
/// let url = |name: &str| (name == RABBITMQ_URL).then(|| "amqp://localhost/%2f".to_owned());
/// let settings = parse(&[], &url)?.1.rabbitmq.ok_or("it is set")?;
/// let sink = RabbitMqSink::new(settings)?;
/// # Ok::<(), String>(())
/// ```
pub struct RabbitMqSink {
    settings: RabbitMq,
    exchange: ShortString,
    /// Taken out while it is used: what was given up half-way is not used again.
    link: Mutex<Option<Link>>,
}

/// A connection, which lives as long as it is held, and its channel.
struct Link {
    _connection: Connection,
    channel: Channel,
}

impl fmt::Debug for RabbitMqSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMqSink").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RabbitMqSink {
    /// The broker that the settings name; nothing is connected yet. The text of an error is for
    /// the operator.
    pub fn new(settings: RabbitMq) -> Result<Self, String> {
        // Named here, or it would depend on what else is linked in. Whoever was first named the
        // same one: there is no other in this program.
        _ = ring::default_provider().install_default();
        let exchange = short(&settings.exchange).ok_or("the exchange's name is too long")?;
        Ok(Self { settings, exchange, link: Mutex::default() })
    }

    /// How a relay has to work for it: with a lease that outlasts a batch of slow confirmations.
    pub fn options(settings: &RabbitMq) -> RelayOptions {
        let longest = settings.timeout.saturating_mul(BATCH.saturating_add(2));
        RelayOptions {
            batch: BATCH as usize,
            lease: TimeDelta::from_std(longest).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT),
            since: settings.since,
            ..RelayOptions::default()
        }
    }

    async fn publish(&self, kept: &mut Option<Link>, it: &Outgoing) -> Result<(), Undelivered> {
        let unwritable = |_| Undelivered::refused(0, "the event cannot be written as JSON");
        let body = serde_json::to_value(it).map_err(unwritable)?.to_string();
        let too_long = || Undelivered::refused(0, "the event's name is too long for a routing key");
        let name = short(&it.event.name).ok_or_else(too_long)?;
        let link = match kept.take().filter(|link| link.channel.status().connected()) {
            Some(link) => link,
            None => self.connect().await?,
        };
        let sent = async {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let (exchange, properties) = (self.exchange.clone(), properties(it, name.clone()));
            let publish =
                link.channel.basic_publish(exchange, name, options, body.as_bytes(), properties);
            publish.await?.await
        };
        let confirmed = match timeout(self.settings.timeout, sent).await {
            Ok(Ok(confirmed)) => confirmed,
            Ok(Err(_)) => return Err(Undelivered::unavailable(0, "the connection broke")),
            Err(_) => return Err(Undelivered::unavailable(0, "no confirmation in time")),
        };
        *kept = Some(link);
        match confirmed {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                Err(Undelivered::unavailable(0, "no queue is bound for the routing key"))
            }
            _ => Err(Undelivered::unavailable(0, "the broker did not take the message")),
        }
    }

    async fn connect(&self) -> Result<Link, Undelivered> {
        match timeout(self.settings.timeout, self.open()).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(error)) => {
                // What lapin says of its own errors names hosts and users, nothing of a book.
                tracing::warn!(%error, "no connection to the broker");
                Err(Undelivered::unavailable(0, "no connection"))
            }
            Err(_) => Err(Undelivered::unavailable(0, "no connection in time")),
        }
    }

    async fn open(&self) -> lapin::Result<Link> {
        let properties = ConnectionProperties::default().with_connection_name("fiscaflow".into());
        let connection = Connection::connect(self.settings.url.reveal(), properties).await?;
        let channel = connection.create_channel().await?;
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let (name, kind) = (self.exchange.clone(), ExchangeKind::Topic);
        channel.exchange_declare(name, kind, durable, FieldTable::default()).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Link { _connection: connection, channel })
    }
}

/// What a message says of itself.
fn properties(it: &Outgoing, name: ShortString) -> BasicProperties {
    let mut properties = BasicProperties::default()
        .with_app_id("fiscaflow".into())
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_timestamp(u64::try_from(it.event.at.timestamp()).unwrap_or_default())
        .with_type(name);
    if let Some(id) = short(&it.event.id.to_string()) {
        properties = properties.with_message_id(id);
    }
    if let Some(id) = it.event.correlation_id.as_deref().and_then(short) {
        properties = properties.with_correlation_id(id);
    }
    properties
}

/// A text of the protocol's short kind, unless it has more bytes than that may have.
fn short(text: &str) -> Option<ShortString> {
    ShortString::try_new(text).ok()
}

#[async_trait]
impl EventSink for RabbitMqSink {
    fn name(&self) -> &str {
        "rabbitmq"
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        let mut link = self.link.lock().await;
        for (delivered, it) in events.iter().enumerate() {
            let failed = |it: Undelivered| Undelivered { delivered, ..it };
            self.publish(&mut link, it).await.map_err(failed)?;
        }
        Ok(())
    }
}
