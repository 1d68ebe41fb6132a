//! Events to a real RabbitMQ: in order, at least once, whenever it dies; once where a consumer says
//! so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use fiscaflow_core::conformance::{FixedClock, Scribe, SequentialIds};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::log::{Draft, NewEvent};
use fiscaflow_core::model::{NewAccount, NewBook, NewTransaction};
use fiscaflow_core::outbox::{EventSink, Inbox, Outgoing, Relay, RelayOptions, Round, Undelivered};
use fiscaflow_core::store::{DeliveryStep, SetAside, SetAsideQuery, Store};
use fiscaflow_core::{AccountId, BookId, EventId};
use fiscaflow_server::config::{RABBITMQ_URL, parse};
use fiscaflow_server::rabbitmq::RabbitMqSink;
use fiscaflow_store::{MemoryStore, RandomIds};
use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::json;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::support::Server;

/// After which the broker is taken for gone.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Books, events in all, and how often the broker is killed: many more on request.
fn size() -> (u32, usize, usize) {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { (8, 50_000, 200) } else { (4, 2_000, 6) }
}

fn sink(url: &str) -> RabbitMqSink {
    let url = |name: &str| (name == RABBITMQ_URL).then(|| url.to_owned());
    let args = ["--rabbitmq-timeout", "5"].map(str::to_owned);
    RabbitMqSink::new(parse(&args, &url).unwrap().1.rabbitmq.unwrap()).unwrap()
}

/// A relay whose pauses are over whenever it has nothing to do. However often the broker dies, that
/// is no event's fault here: one that is set aside in such a moment would come late.
struct Eager {
    relay: Relay,
    clock: Arc<FixedClock>,
}

impl Eager {
    fn new(store: &Arc<dyn Store>, sink: Arc<dyn EventSink>, tries: u32) -> Self {
        let (clock, ids) = (Arc::<FixedClock>::default(), RandomIds::new().unwrap());
        let options = RelayOptions { tries, ..RelayOptions::default() };
        let relay = Relay::new(Arc::clone(store), clock.clone(), &ids, sink, options);
        Self { relay: relay.unwrap(), clock }
    }

    async fn round(&self) -> Round {
        let round = self.relay.round().await.unwrap();
        if round.delivered == 0 {
            self.clock.advance(TimeDelta::hours(1));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        round
    }

    async fn until(&self, mut is_done: impl FnMut() -> bool) {
        while !is_done() {
            self.round().await;
        }
    }
}

/// A queue that lasts, bound for all events, and a channel to it; waits for the broker.
async fn queue(url: &str, binding: &str) -> (Connection, Channel) {
    loop {
        let opened = async {
            let connection = Connection::connect(url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
            let kind = ExchangeKind::Topic;
            channel.exchange_declare("fiscaflow".into(), kind, durable, none()).await?;
            channel.queue_declare("books".into(), QueueDeclareOptions::durable(), none()).await?;
            let bind = QueueBindOptions::default();
            let (queue, exchange) = ("books".into(), "fiscaflow".into());
            channel.queue_bind(queue, exchange, binding.into(), bind, none()).await?;
            Ok::<_, lapin::Error>((connection, channel))
        };
        if let Ok(Ok(opened)) = timeout(LONGEST_WAIT, opened).await {
            return opened;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn none() -> FieldTable {
    FieldTable::default()
}

/// Writes one commit of so many events, after one that is not taken; gives the ids of the first.
async fn write(store: &dyn Store, scribe: &mut Scribe, events: usize) -> Vec<EventId> {
    let draft = |scribe: &mut Scribe| {
        let ids: Vec<_> = (0..events).map(|_| EventId::new(scribe.uuid())).collect();
        let events = ids.iter().map(|id| NewEvent::new(*id, "tests.thing.done", "thing", "1"));
        let draft = Draft { events: events.collect(), ..scribe.draft(Vec::new()) };
        (ids, scribe.seal_draft(draft))
    };
    let (_, late) = draft(scribe);
    let (ids, commit) = draft(scribe);
    scribe.write(store, commit).await;
    store.commit(late).await.unwrap_err();
    ids
}

/// What a consumer heard of each book, repeats included, and what it did about it: one transaction
/// an event, in a store of its own.
struct Consumer {
    heard: Mutex<BTreeMap<BookId, Vec<EventId>>>,
    count: AtomicU64,
    engine: Engine,
    store: Arc<dyn Store>,
    accounts: BTreeMap<BookId, AccountId>,
}

impl Consumer {
    async fn new(books: impl Iterator<Item = BookId>) -> Arc<Self> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (clock, ids) = (Arc::<FixedClock>::default(), Arc::new(SequentialIds::new(9)));
        let engine = Engine::new(Arc::clone(&store), clock, ids);
        let bot = Context::new("bot".parse().unwrap());
        let mut accounts = BTreeMap::new();
        for id in books {
            let new = NewBook { id: Some(id), name: "Copy".to_owned(), ..NewBook::new("EUR") };
            engine.books(bot.clone()).create(new).await.unwrap();
            let new = NewAccount { name: "Seen".to_owned(), ..NewAccount::default() };
            let account = engine.book(id, bot.clone()).accounts().create(new).await.unwrap();
            accounts.insert(id, account.id);
        }
        let (heard, count) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { heard, count, engine, store, accounts })
    }

    /// Consumes for ever, across the broker's deaths. Lapin may wait for a broker that has gone, so
    /// no wait lasts: what was not acknowledged comes again.
    async fn run(self: Arc<Self>, url: String) {
        loop {
            let (_connection, channel) = queue(&url, "#").await;
            let consume = BasicConsumeOptions::default();
            let consumer = channel.basic_consume("books".into(), "test".into(), consume, none());
            let Ok(Ok(mut consumer)) = timeout(LONGEST_WAIT, consumer).await else { continue };
            while let Ok(Some(Ok(delivery))) = timeout(LONGEST_WAIT, consumer.next()).await {
                self.take(&delivery).await;
                let acknowledged = timeout(LONGEST_WAIT, delivery.ack(BasicAckOptions::default()));
                if !matches!(acknowledged.await, Ok(Ok(_))) {
                    break;
                }
            }
        }
    }

    async fn take(&self, delivery: &Delivery) {
        let it: Outgoing = serde_json::from_slice(&delivery.data).unwrap();
        self.heard.lock().unwrap().entry(it.book_id).or_default().push(it.event.id);
        let account = self.accounts[&it.book_id];
        let new = json!({"account_id": account, "booking_date": "2024-01-01", "amount": "-1.00",
            "description": it.event.id});
        let new: NewTransaction = fiscaflow_core::api::read(new).unwrap();
        let inbox = Inbox::new("seen", "bot".parse().unwrap()).unwrap();
        let done = inbox
            .once(&self.engine, &it, |book| async move { book.transactions().create(new).await });
        done.await.unwrap();
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Each book's events, at their first coming.
    fn first(&self, book_id: BookId) -> Vec<EventId> {
        let heard = self.heard.lock().unwrap();
        let mut seen = BTreeSet::new();
        let all = heard.get(&book_id).into_iter().flatten();
        all.filter(|id| seen.insert(**id)).copied().collect()
    }

    fn firsts(&self) -> usize {
        self.accounts.keys().map(|book| self.first(*book).len()).sum()
    }

    /// Every event had its effect, and had it once.
    async fn has_done(&self, book_id: BookId, events: &[EventId]) {
        let columns = self.store.columns(book_id, None, u32::MAX).await.unwrap();
        let ids: Vec<_> = columns.iter().map(|row| row.id).collect();
        let done = self.store.transactions(book_id, &ids).await.unwrap();
        let mut done: Vec<_> = done.into_iter().map(|it| it.description).collect();
        let mut expected: Vec<_> = events.iter().map(ToString::to_string).collect();
        done.sort();
        expected.sort();
        assert_eq!(done, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_says_what_it_is_and_comes_to_a_queue_or_waits() {
    // Holds: body, routing key, message id and persistence; what no queue is bound for counts as
    // not delivered, and comes in its order once there is one.
    let broker = Broker::start();
    let url = broker.url();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut scribe = Scribe::new(1);
    let written = write(&*store, &mut scribe, 3).await;
    let relay = Eager::new(&store, Arc::new(sink(&url)), u32::MAX);
    let (_connection, channel) = queue(&url, "elsewhere").await;
    let told = relay.round().await;
    let why = told.unavailable.as_deref();
    assert_eq!((told.delivered, why), (0, Some("no queue is bound for the routing key")));
    let bind = QueueBindOptions::default();
    let (queue, exchange, key) = ("books".into(), "fiscaflow".into(), "tests.thing.*".into());
    channel.queue_bind(queue, exchange, key, bind, none()).await.unwrap();
    let mut delivered = 0;
    while delivered < 3 {
        delivered += relay.round().await.delivered;
    }
    let consume = BasicConsumeOptions::default();
    let consumer = channel.basic_consume("books".into(), "test".into(), consume, none());
    let mut consumer = consumer.await.unwrap();
    for id in written {
        let delivery = consumer.next().await.unwrap().unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        let it: Outgoing = serde_json::from_slice(&delivery.data).unwrap();
        assert_eq!((it.book_id, it.event.id), (scribe.book_id, id));
        let (key, says) = (delivery.routing_key.to_string(), &delivery.properties);
        assert_eq!((key.as_str(), it.event.name.as_str()), ("tests.thing.done", key.as_str()));
        assert_eq!(says.message_id().as_ref().unwrap().to_string(), id.to_string());
        assert_eq!((*says.delivery_mode(), says.kind().is_some()), (Some(2), true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_broker_that_is_killed_again_and_again_loses_nothing() {
    // Holds: of commits that were made every event comes, in the order of its book, and of commits
    // that were not none; each has its effect once. The broker is killed while it publishes.
    let (books, events, kills) = size();
    let mut broker = Broker::start();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut scribes: Vec<_> = (1..=books).map(Scribe::new).collect();
    let consumer = Consumer::new(scribes.iter().map(|scribe| scribe.book_id)).await;
    let consuming = tokio::spawn(Arc::clone(&consumer).run(broker.url()));
    drop(queue(&broker.url(), "#").await);
    let relay = Eager::new(&store, Arc::new(sink(&broker.url())), u32::MAX);
    let relaying = tokio::spawn(async move { relay.until(|| false).await });
    let (mut written, mut left) = (vec![Vec::new(); scribes.len()], events);
    let mut next = 0;
    for kill in 0..=kills {
        let share = if kill == kills { left } else { events / (kills + 1) };
        left -= share;
        let commits = share.div_ceil(50).max(1);
        for commit in 0..commits {
            let size = share / commits + usize::from(commit < share % commits);
            let book = next % scribes.len();
            next += 1;
            written[book].extend(write(&*store, &mut scribes[book], size).await);
        }
        if kill < kills {
            // Somewhere in what was written just now.
            let place = events - left - share + (kill * 7_919) % share;
            while consumer.firsts() < place {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            broker.kill();
            broker.restart();
        }
    }
    while consumer.firsts() < events {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(!relaying.is_finished(), "the relay has ended");
    }
    for (scribe, written) in scribes.iter().zip(&written) {
        assert_eq!(consumer.first(scribe.book_id), *written);
        consumer.has_done(scribe.book_id, written).await;
        let all = SetAsideQuery { limit: 9, ..SetAsideQuery::default() };
        assert_eq!(store.set_aside(scribe.book_id, "rabbitmq", &all).await.unwrap(), []);
    }
    let heard = consumer.count.load(Ordering::Relaxed);
    println!("{events} events, {kills} kills, {heard} deliveries");
    relaying.abort();
    consuming.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn requests_do_not_notice_that_the_broker_is_away() {
    // Holds: while there is no broker every write is answered as ever; what happened meanwhile
    // comes once it is back, in order.
    let mut broker = Broker::start();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let server = Server::over(Arc::clone(&store)).await;
    drop(queue(&broker.url(), "#").await);
    let relay = Eager::new(&store, Arc::new(sink(&broker.url())), u32::MAX);
    broker.kill();
    let book = server.book("anna").await;
    for number in 0..20 {
        server.account("anna", &book, &format!("Account {number}")).await;
        relay.round().await;
    }
    let path = format!("/books/{book}/events?limit=500");
    let told = server.get("anna", &path).await.ok();
    let told: Vec<EventId> = told.as_array().unwrap().iter().map(id).collect();
    assert!(told.len() >= 20);
    let query = SetAsideQuery { limit: 9, ..SetAsideQuery::default() };
    let book_id: BookId = book.parse().unwrap();
    assert_eq!(store.set_aside(book_id, "rabbitmq", &query).await.unwrap(), []);
    broker.restart();
    let consumer = Consumer::new([book_id].into_iter()).await;
    let consuming = tokio::spawn(Arc::clone(&consumer).run(broker.url()));
    relay.until(|| consumer.firsts() >= told.len()).await;
    assert_eq!(consumer.first(book_id), told);
    consuming.abort();
}

fn id(event: &serde_json::Value) -> EventId {
    event["id"].as_str().unwrap().parse().unwrap()
}

/// A broker's sink of whose events some are poison, and some batches are told twice.
#[derive(Debug)]
struct Troubled {
    inner: RabbitMqSink,
    poison: Mutex<BTreeSet<EventId>>,
    told: AtomicU64,
}

#[async_trait]
impl EventSink for Troubled {
    fn name(&self) -> &str {
        "rabbitmq"
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        let poison = self.poison.lock().unwrap().clone();
        let bad = events.iter().position(|it| poison.contains(&it.event.id));
        let good = &events[..bad.unwrap_or(events.len())];
        self.inner.tell(good).await?;
        if self.told.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            self.inner.tell(good).await?;
        }
        bad.map_or(Ok(()), |bad| Err(Undelivered::refused(bad, "cannot read it")))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn duplicates_poison_and_what_comes_late_leave_the_state_of_a_clean_run() {
    // Holds: of 400 events one in twenty is refused until it lies aside with its reason, and every
    // third batch comes twice; once what lies aside is told again, each has had its effect once.
    let broker = Broker::start();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut scribes: Vec<_> = (1..=4).map(Scribe::new).collect();
    let consumer = Consumer::new(scribes.iter().map(|scribe| scribe.book_id)).await;
    let consuming = tokio::spawn(Arc::clone(&consumer).run(broker.url()));
    drop(queue(&broker.url(), "#").await);
    let mut written = Vec::new();
    for scribe in &mut scribes {
        written.push(write(&*store, scribe, 100).await);
    }
    let poison: BTreeSet<_> = written.concat().into_iter().step_by(20).collect();
    let inner = sink(&broker.url());
    let (bad, told) = (Mutex::new(poison.clone()), AtomicU64::new(0));
    let sink = Arc::new(Troubled { inner, poison: bad, told });
    let relay = Eager::new(&store, sink.clone(), 5);
    relay.until(|| consumer.firsts() >= 400 - poison.len()).await;
    let all = SetAsideQuery { limit: 500, ..SetAsideQuery::default() };
    for scribe in &scribes {
        let mut aside = Vec::new();
        while aside.len() < 5 {
            relay.round().await;
            aside = store.set_aside(scribe.book_id, "rabbitmq", &all).await.unwrap();
        }
        assert!(aside.iter().all(|it| it.tries == 5 && poison.contains(&it.event_id)));
        assert!(aside.iter().all(|it| it.reason == "cannot read it"));
    }
    sink.poison.lock().unwrap().clear();
    for scribe in &scribes {
        let delivery = store.delivery(scribe.book_id, "rabbitmq").await.unwrap().unwrap();
        let aside = store.set_aside(scribe.book_id, "rabbitmq", &all).await.unwrap();
        let put_aside = aside.into_iter().map(|it| SetAside { again: true, ..it }).collect();
        let (expected, taken_back) = (delivery.version, Vec::new());
        let delivery = fiscaflow_core::store::Delivery { version: expected + 1, ..delivery };
        let step = DeliveryStep { expected, delivery, put_aside, taken_back };
        store.deliver(scribe.book_id, "rabbitmq", Arc::new(step)).await.unwrap();
    }
    relay.until(|| consumer.firsts() >= 400).await;
    for (scribe, written) in scribes.iter().zip(&written) {
        let late: Vec<_> = written.iter().filter(|id| poison.contains(id)).copied().collect();
        let heard = consumer.first(scribe.book_id);
        let in_time = written.iter().filter(|id| !poison.contains(id)).copied();
        assert_eq!(heard, in_time.chain(late).collect::<Vec<_>>());
        consumer.has_done(scribe.book_id, written).await;
    }
    assert!(consumer.count.load(Ordering::Relaxed) > 400);
    consuming.abort();
}
