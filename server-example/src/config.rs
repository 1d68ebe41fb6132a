//! Settings: flags, and environment variables for whoever starts servers by unit files.
//!
//! One table holds them all, so that `--help`, the parser and the README cannot disagree (a test
//! compares the last). A dozen settings need no argument library.

mod outside;
mod rabbitmq;
mod webhook;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use chrono::{DateTime, Utc};
use fiscaflow_core::BookId;
use fiscaflow_core::model::ActorId;
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_store::Ed25519Signer;

use crate::auth::Books;
pub use outside::{OUTSIDE_KEY, Outside, Prices, Secret, Vendor};
pub use rabbitmq::{RABBITMQ_URL, RabbitMq};
pub use webhook::{WEBHOOK_SECRET, Webhook};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The flag, without the dashes.
    pub flag: &'static str,
    /// The environment variable; a flag wins over it.
    pub variable: &'static str,
    /// What holds where neither is given.
    pub default: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
}

const fn setting(
    flag: &'static str,
    variable: &'static str,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting { flag, variable, default, about }
}

/// The variable with the master keys of secrets. There is no flag for it.
pub const SECRET_KEYS: &str = "FISCAFLOW_SECRET_KEYS";
/// Where the key lies that signs checkpoints of histories: command lines are seen by others.
pub const SIGNING_KEY: &str = "FISCAFLOW_SIGNING_KEY";

/// The flag that takes no value.
const ALLOW_REMOTE: &str = "allow-remote";

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    setting("address", "FISCAFLOW_ADDRESS", "127.0.0.1:8080", "IP address and port to listen on"),
    setting(
        ALLOW_REMOTE,
        "FISCAFLOW_ALLOW_REMOTE",
        "false",
        "allows an address that other machines reach; put TLS in front of it",
    ),
    setting("database", "FISCAFLOW_DATABASE", "sqlite:fiscaflow.db", "where the books live"),
    setting(
        "tokens",
        "FISCAFLOW_TOKENS",
        "",
        "the file of the tokens; default: the database file with `.tokens.json` added",
    ),
    setting("body-limit", "FISCAFLOW_BODY_LIMIT", "1048576", "bytes of a request's body"),
    setting("import-limit", "FISCAFLOW_IMPORT_LIMIT", "33554432", "bytes of an import's body"),
    setting("max-requests", "FISCAFLOW_MAX_REQUESTS", "64", "requests at once; more get 503"),
    setting("max-connections", "FISCAFLOW_MAX_CONNECTIONS", "1024", "connections; more wait"),
    setting("header-timeout", "FISCAFLOW_HEADER_TIMEOUT", "10", "seconds for a request's head"),
    setting("body-timeout", "FISCAFLOW_BODY_TIMEOUT", "60", "seconds for a request's body"),
    setting("answer-timeout", "FISCAFLOW_ANSWER_TIMEOUT", "60", "seconds for the answer"),
    setting(
        "write-timeout",
        "FISCAFLOW_WRITE_TIMEOUT",
        "120",
        "seconds for a client to take an answer",
    ),
    setting("stop-timeout", "FISCAFLOW_STOP_TIMEOUT", "30", "seconds for a stop in good order"),
    setting(
        "outside",
        "FISCAFLOW_OUTSIDE",
        "",
        "who is asked about payees: `openai` or `anthropic`",
    ),
    setting("outside-model", "FISCAFLOW_OUTSIDE_MODEL", "", "the vendor's model; no default"),
    setting(
        "outside-url",
        "FISCAFLOW_OUTSIDE_URL",
        "",
        "another server with the vendor's API, with its `/v1`",
    ),
    setting(
        "outside-timeout",
        "FISCAFLOW_OUTSIDE_TIMEOUT",
        "15",
        "seconds for one batch of payees",
    ),
    setting(
        "outside-prices",
        "FISCAFLOW_OUTSIDE_PRICES",
        "",
        "of a million tokens in and out, such as `USD 0.25 2.00`",
    ),
    setting("webhook-url", "FISCAFLOW_WEBHOOK_URL", "", "where events are posted"),
    setting("webhook-timeout", "FISCAFLOW_WEBHOOK_TIMEOUT", "10", "seconds for one event"),
    setting(
        "webhook-since",
        "FISCAFLOW_WEBHOOK_SINCE",
        "",
        "events from before are not posted, such as `2026-03-01T00:00:00Z`",
    ),
    setting(
        "rabbitmq-exchange",
        "FISCAFLOW_RABBITMQ_EXCHANGE",
        "fiscaflow",
        "the topic exchange where events are published",
    ),
    setting(
        "rabbitmq-timeout",
        "FISCAFLOW_RABBITMQ_TIMEOUT",
        "10",
        "seconds for a connection, and for one event",
    ),
    setting(
        "rabbitmq-since",
        "FISCAFLOW_RABBITMQ_SINCE",
        "",
        "events from before are not published, such as `2026-03-01T00:00:00Z`",
    ),
    setting("log-format", "FISCAFLOW_LOG_FORMAT", "text", "`text` or `json`, on standard error"),
    setting("log", "FISCAFLOW_LOG", "info", "which log lines, such as `warn` or `error`"),
];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much of anything is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of an import's body.
    pub import_bytes: usize,
    /// Requests at once.
    pub requests: usize,
    /// Connections at once.
    pub connections: usize,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a request's head, and so for an idle connection.
    pub header: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For the engine's answer.
    pub answer: Duration,
    /// For a client to take an answer.
    pub write: Duration,
    /// For what is under way when the server is told to stop.
    pub stop: Duration,
}

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub address: SocketAddr,
    /// The URL of the store, which may have a password in it.
    pub database: Secret,
    /// The file of the tokens; without one they live as long as the process.
    pub tokens: Option<PathBuf>,
    /// How much is taken.
    pub limits: Limits,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// Who is asked outside; nobody by default.
    pub outside: Option<Outside>,
    /// Where events are posted; nowhere by default.
    pub webhook: Option<Webhook>,
    /// Where events are published; nowhere by default.
    pub rabbitmq: Option<RabbitMq>,
    /// The master keys of the secrets that books hold.
    pub secret_keys: Option<KeyRing>,
    /// Who signs checkpoints of histories; nobody by default.
    pub signer: Option<Ed25519Signer>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log: String,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run the server.
    Serve,
    /// Make a token.
    CreateToken(ActorId, Books),
    /// List the tokens.
    ListTokens,
    /// Revoke the token of that id.
    RevokeToken(String),
    /// Back the database up into a file.
    Backup(PathBuf),
    /// Put a backup in the database's place.
    Restore(PathBuf),
    /// Copy books to the store of another URL.
    Copy(String, Books),
    /// Compare a history with the checkpoint in a file.
    Check(PathBuf),
    /// Print the OpenAPI document.
    OpenApi,
    /// Print how to use the program.
    Help,
    /// Print the version.
    Version,
}

/// Reads the command line, then the environment, then the defaults.
///
/// ```
/// use fiscaflow_server::config::{Command, parse};
///
/// let args = ["--address", "127.0.0.1:9090"].map(str::to_owned);
/// let (command, config) = parse(&args, &|_| None)?;
/// assert!(matches!(command, Command::Serve));
/// assert_eq!(config.address.port(), 9090);
/// # Ok::<(), String>(())
/// ```
pub fn parse(
    args: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Command, Config), String> {
    let (words, mut flags) = split(args)?;
    let command = command(&words, &mut flags)?;
    let mut values = BTreeMap::new();
    for setting in SETTINGS {
        let given = flags.remove(setting.flag).or_else(|| environment(setting.variable));
        values.insert(setting.flag, given.unwrap_or_else(|| setting.default.to_owned()));
    }
    match flags.keys().next() {
        Some(flag) => Err(unknown(flag)),
        None => {
            let secret = |name: &str| environment(name).unwrap_or_default().trim().to_owned();
            Ok((command, config(&values, &secret)?))
        }
    }
}

/// Words and flags: `--name value`, `--name=value`, and flags without a value.
fn split(args: &[String]) -> Result<(Vec<&str>, BTreeMap<String, String>), String> {
    let (mut words, mut flags) = (Vec::new(), BTreeMap::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(flag) = arg.strip_prefix("--") else {
            words.push(if arg == "-h" { "help" } else { arg.as_str() });
            continue;
        };
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, value.to_owned()),
            None if [ALLOW_REMOTE, "help", "version"].contains(&flag) => (flag, "true".to_owned()),
            None if !is_known(flag) => return Err(unknown(flag)),
            None => (flag, args.next().ok_or(format!("`--{flag}` needs a value"))?.clone()),
        };
        if flags.insert(flag.to_owned(), value).is_some() {
            return Err(format!("`--{flag}` is given twice"));
        }
    }
    Ok((words, flags))
}

fn is_known(flag: &str) -> bool {
    ["actor", "books"].contains(&flag) || SETTINGS.iter().any(|setting| setting.flag == flag)
}

fn unknown(flag: &str) -> String {
    format!("`--{flag}` is not known here; see --help")
}

fn command(words: &[&str], flags: &mut BTreeMap<String, String>) -> Result<Command, String> {
    if flags.remove("help").is_some() {
        return Ok(Command::Help);
    }
    if flags.remove("version").is_some() {
        return Ok(Command::Version);
    }
    match words {
        [] | ["serve"] => Ok(Command::Serve),
        ["help"] => Ok(Command::Help),
        ["openapi"] => Ok(Command::OpenApi),
        ["token", "list"] => Ok(Command::ListTokens),
        ["token", "revoke", id] => Ok(Command::RevokeToken((*id).to_owned())),
        ["backup", path] => Ok(Command::Backup(path.into())),
        ["restore", path] => Ok(Command::Restore(path.into())),
        ["check", path] => Ok(Command::Check(path.into())),
        ["copy", url] => {
            let books = flags.remove("books").unwrap_or_else(|| "all".to_owned());
            Ok(Command::Copy((*url).to_owned(), books_of(&books)?))
        }
        ["token", "create"] => {
            let actor = flags.remove("actor").ok_or("`token create` needs `--actor ID`")?;
            let actor = actor.parse().map_err(|error| format!("`--actor`: {error}"))?;
            let books = flags.remove("books").unwrap_or_else(|| "all".to_owned());
            Ok(Command::CreateToken(actor, books_of(&books)?))
        }
        _ => Err(format!("`{}` is no command; see --help", words.join(" "))),
    }
}

fn books_of(text: &str) -> Result<Books, String> {
    match text {
        "all" => Ok(Books::All),
        "none" => Ok(Books::Listed(Default::default())),
        ids => {
            let ids = ids.split(',').map(|id| id.trim().parse::<BookId>());
            let ids = ids.collect::<Result<_, _>>();
            Ok(Books::Listed(ids.map_err(|error| format!("`--books`: {error}"))?))
        }
    }
}

fn config(
    values: &BTreeMap<&str, String>,
    secret: &dyn Fn(&str) -> String,
) -> Result<Config, String> {
    let text = |flag: &str| values.get(flag).cloned().unwrap_or_default();
    let number = |flag: &str| match text(flag).parse::<u32>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`--{flag}` is a whole number from 1")),
    };
    let size = |flag: &str| number(flag).map(|number| number as usize);
    let seconds = |flag: &str| number(flag).map(|number| Duration::from_secs(number.into()));
    let address: SocketAddr = text("address")
        .parse()
        .map_err(|_| "`--address` is an IP address and a port, such as 127.0.0.1:8080")?;
    let allow_remote = match text(ALLOW_REMOTE).as_str() {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err(format!("`--{ALLOW_REMOTE}` is `true` or `false`")),
    };
    if !address.ip().to_canonical().is_loopback() && !allow_remote {
        return Err(format!(
            "other machines reach {address}: tokens and books would cross the network in the \
             clear. Put TLS in front, and say `--{ALLOW_REMOTE}`"
        ));
    }
    let log_format = match text("log-format").as_str() {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => return Err("`--log-format` is `text` or `json`".to_owned()),
    };
    let database = text("database");
    let tokens = match text("tokens") {
        none if none.is_empty() => tokens_beside(&database),
        path => Some(path.into()),
    };
    Ok(Config {
        address,
        database: Secret::new(&database),
        tokens,
        limits: Limits {
            body_bytes: size("body-limit")?,
            import_bytes: size("import-limit")?,
            requests: size("max-requests")?,
            connections: size("max-connections")?,
        },
        timeouts: Timeouts {
            header: seconds("header-timeout")?,
            body: seconds("body-timeout")?,
            answer: seconds("answer-timeout")?,
            write: seconds("write-timeout")?,
            stop: seconds("stop-timeout")?,
        },
        outside: outside::read(
            &text,
            seconds("outside-timeout")?,
            Secret::new(&secret(OUTSIDE_KEY)),
        )?,
        webhook: webhook::read(&text, seconds("webhook-timeout")?, &secret(WEBHOOK_SECRET))?,
        rabbitmq: rabbitmq::read(&text, seconds("rabbitmq-timeout")?, &secret(RABBITMQ_URL))?,
        secret_keys: match secret(SECRET_KEYS).as_str() {
            "" => None,
            keys => Some(keys.parse().map_err(|error| format!("{SECRET_KEYS}: {error}"))?),
        },
        signer: signer(&secret(SIGNING_KEY))?,
        log_format,
        log: text("log"),
    })
}

/// The instant from which on events are told, where there is one.
fn since(flag: &str, text: &str) -> Result<Option<DateTime<Utc>>, String> {
    let wrong = |_| format!("`--{flag}` is a time such as 2026-03-01T00:00:00Z");
    Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(wrong)
}

/// The key that signs, where one is given.
fn signer(key: &str) -> Result<Option<Ed25519Signer>, String> {
    let wrong = |_| format!("{SIGNING_KEY} is `PRIVATE+KEY+name+id+key`, as note tools write it");
    if key.is_empty() { Ok(None) } else { key.parse().map(Some).map_err(wrong) }
}

/// Refuses an address to which what is secret would go in the clear, and one with a name or
/// password, which nobody would send.
fn check_url(flag: &str, url: &str) -> Result<(), String> {
    let uri = url.parse::<Uri>().map_err(|_| format!("`--{flag}` is no URL"))?;
    if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(format!("`--{flag}` has a name or password before its host"));
    }
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) | (Some("http"), Some("localhost" | "127.0.0.1")) => Ok(()),
        _ => Err(format!(
            "`--{flag}` begins with `https://`; only this machine itself, 127.0.0.1 or localhost, \
             is called with `http://`"
        )),
    }
}

/// Tokens lie beside the database file; those of a database that is no file end with the server,
/// unless it is told of a file.
fn tokens_beside(database: &str) -> Option<PathBuf> {
    database_file(database).map(|path| format!("{path}.tokens.json").into())
}

/// The file of an SQLite database.
pub fn database_file(database: &str) -> Option<String> {
    let path = database.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path).split('?').next()?;
    (path != ":memory:").then(|| path.to_owned())
}

/// How to use the program.
pub fn help() -> String {
    let mut text = "\
usage: fiscaflow-server [COMMAND] [SETTING ...]

commands
  serve                                    run the server; also without a command
  token create --actor ID [--books BOOKS]  make a token and show it once; BOOKS are `all` of the
                                           actor's books (the default), `none`, or ids with commas
  token list                               list the tokens, without what is secret
  token revoke ID                          revoke a token, at once
  backup FILE                              copy the database, checked, into a file that is not there
  restore FILE                             put a backup, checked, where no database is yet, or its
                                           books into PostgreSQL
  copy URL [--books BOOKS]                 copy to another store what it lacks of books
  check FILE                               compare a history with the checkpoint in a file: an error
                                           says that it was rolled back or rewritten
  openapi                                  print the OpenAPI document

settings, as --NAME VALUE or in the environment
"
    .to_owned();
    for Setting { flag, variable, default, about } in SETTINGS {
        let default = if default.is_empty() { "" } else { &format!(" [{default}]") };
        let _ = writeln!(text, "  --{flag:<16} {variable:<26} {about}{default}");
    }
    let _ = writeln!(
        text,
        "\n{OUTSIDE_KEY} in the environment is the vendor's key for `--outside`,\n\
         {WEBHOOK_SECRET} what events for `--webhook-url` are signed with,\n\
         {SECRET_KEYS} the master keys of secrets, `VERSION:BASE64` each,\n\
         {SIGNING_KEY} the key that signs checkpoints of histories,\n\
         {RABBITMQ_URL} the broker where events are published, with its password."
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], environment: &[(&str, &str)]) -> Result<(Command, Config), String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        parse(&args, &|name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        let environment = [("FISCAFLOW_BODY_LIMIT", "7"), ("FISCAFLOW_IMPORT_LIMIT", "8")];
        let (_, config) = read(&["--body-limit=5"], &environment).unwrap();
        assert_eq!((config.limits.body_bytes, config.limits.import_bytes), (5, 8));
        assert_eq!(config.timeouts.header, Duration::from_secs(10));
        assert_eq!(config.tokens, Some("fiscaflow.db.tokens.json".into()));
    }

    #[test]
    fn the_password_of_a_database_is_not_shown() {
        let (_, config) = read(&["--database", "postgres://books:sesame@db/books"], &[]).unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
        assert_eq!(config.database.reveal(), "postgres://books:sesame@db/books");
    }

    #[test]
    fn an_address_that_others_reach_needs_a_second_word() {
        for address in ["0.0.0.0:80", "[::]:80", "192.168.0.1:80", "[::ffff:10.0.0.1]:80"] {
            let refused = read(&["--address", address], &[]).unwrap_err();
            assert!(refused.contains("--allow-remote"), "{refused}");
            read(&["--address", address, "--allow-remote"], &[]).unwrap();
            read(&["--address", address], &[("FISCAFLOW_ALLOW_REMOTE", "true")]).unwrap();
        }
        for address in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            read(&["--address", address], &[]).unwrap();
        }
    }

    #[test]
    fn a_key_that_signs_is_read_and_shown_nowhere() {
        // Holds: the key of the tests of Go's notes is taken, what is none is refused, and neither
        // is told.
        let key = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let (_, config) = read(&[], &[(SIGNING_KEY, key)]).unwrap();
        assert!(config.signer.is_some());
        assert!(!format!("{config:?}").contains("AYEKFALVFGy"));
        let said = read(&[], &[(SIGNING_KEY, key.trim_end_matches("Fz"))]).unwrap_err();
        assert!(said.contains(SIGNING_KEY) && !said.contains("AYEKFALVFGy"), "{said}");
        assert!(read(&[], &[]).unwrap().1.signer.is_none());
    }

    #[test]
    fn tokens_lie_beside_the_database() {
        let beside = |database: &str| tokens_beside(database).map(|it| it.display().to_string());
        for url in ["sqlite:a/b.db", "sqlite://a/b.db", "sqlite:a/b.db?durability=full"] {
            assert_eq!(beside(url).as_deref(), Some("a/b.db.tokens.json"));
        }
        for url in ["memory:", "sqlite::memory:", "postgres://db/books"] {
            assert_eq!(beside(url), None);
        }
    }

    /// Holds: keys of secrets come from the environment alone; what is none is refused, and no key
    /// is in `Debug` or a message.
    #[test]
    fn keys_of_secrets_are_read_and_hidden() {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let config = read(&[], &[(SECRET_KEYS, &format!("1:{key}"))]).unwrap().1;
        assert!(config.secret_keys.is_some() && !format!("{config:?}").contains("AAEC"));
        assert!(read(&[], &[]).unwrap().1.secret_keys.is_none());
        let said = read(&[], &[(SECRET_KEYS, &format!("1:{key}x"))]).unwrap_err();
        assert!(said.contains(SECRET_KEYS) && !said.contains("AAEC"), "{said}");
    }

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        for (args, part) in [
            (&["--port", "80"][..], "--port"),
            (&["--port"], "`--port` is not known"),
            (&["--address"], "--address"),
            (&["--address", "localhost"], "--address"),
            (&["--body-limit", "0"], "--body-limit"),
            (&["--body-timeout", "soon"], "--body-timeout"),
            (&["--log", "a", "--log", "b"], "twice"),
            (&["--outside", "google"], "`openai` or `anthropic`"),
            (&["--outside", "openai"], "--outside-model"),
            (&["--outside", "openai", "--outside-model", "m"], OUTSIDE_KEY),
            (&["start"], "start"),
            (&["token", "create"], "--actor"),
            (&["token", "create", "--actor", "a", "--books", "x"], "--books"),
            (&["serve", "--actor", "a"], "--actor"),
        ] {
            let said = read(args, &[]).unwrap_err();
            assert!(said.contains(part), "{args:?}: {said}");
        }
    }

    #[test]
    fn tokens_are_made_for_an_actor_and_books() {
        let args = ["token", "create", "--actor", "anna", "--books", "none"];
        let (command, _) = read(&args, &[]).unwrap();
        assert!(matches!(command, Command::CreateToken(actor, Books::Listed(books))
            if actor.as_str() == "anna" && books.is_empty()));
    }
}
