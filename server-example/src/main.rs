//! The program: reads the settings, then serves, or does what a command says.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use fiscaflow_core::Clock as _;
use fiscaflow_server::auth::{Books, Tokens};
use fiscaflow_server::config::{self, Command, Config, LogFormat, Outside, RabbitMq, Webhook};
use fiscaflow_server::state::{AppState, Given, Helper};
use fiscaflow_server::{openapi, operate, serve};
use fiscaflow_store::{RandomIds, SystemClock};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// The code for a command line that is not understood, as in BSD's `sysexits.h`.
const EX_USAGE: u8 = 64;
/// Who acts with the very first token.
const FIRST_ACTOR: &str = "owner";

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(OsString::into_string).collect();
    let args: Result<Vec<String>, _> = args;
    let understood = args
        .map_err(|word| format!("`{}` is no UTF-8", word.to_string_lossy()))
        .and_then(|args| config::parse(&args, &|name| std::env::var(name).ok()));
    let (problem, code) = match understood.map(|(command, config)| run(command, config)) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(problem)) => (problem, ExitCode::FAILURE),
        Err(problem) => (problem, ExitCode::from(EX_USAGE)),
    };
    _ = writeln!(io::stderr(), "fiscaflow-server: {problem}");
    code
}

fn run(command: Command, config: Config) -> Result<(), String> {
    let tokens = Tokens::new(config.tokens.clone());
    let failed = |error: io::Error| match &config.tokens {
        Some(file) => format!("{}: {error}", file.display()),
        None => error.to_string(),
    };
    let of_tokens = |command: &Command| {
        matches!(command, Command::CreateToken(..) | Command::ListTokens | Command::RevokeToken(_))
    };
    if of_tokens(&command) && config.tokens.is_none() {
        return Err("there is no file for tokens: name one with `--tokens`".to_owned());
    }
    match command {
        Command::Serve => {
            log_to_stderr(&config)?;
            // The engine computes on these threads: an import, or figures over a long history.
            // There are as many as there may be requests, so that none holds up another one.
            let threads = config.limits.requests.saturating_add(2);
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(threads).enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(start(config, Arc::new(tokens)))
        }
        Command::CreateToken(actor, books) => {
            let (id, secret) = tokens.create(actor, books, SystemClock.now()).map_err(failed)?;
            tell(&format!("{secret}\n"))?;
            eprintln!("token {id}; it is shown only now");
            Ok(())
        }
        Command::ListTokens => {
            let lines = tokens.list().map_err(failed)?.into_iter().map(|token| {
                let books = match &token.books {
                    Books::All => "all books of the actor".to_owned(),
                    Books::Listed(books) if books.is_empty() => "none".to_owned(),
                    Books::Listed(books) => books.iter().map(|id| format!("{id} ")).collect(),
                };
                let (id, actor) = (&token.id, &token.actor);
                format!("{id}  {}  {actor}  {books}\n", token.created_at.format("%Y-%m-%d"))
            });
            tell(&lines.collect::<String>())
        }
        Command::RevokeToken(id) => match tokens.revoke(&id).map_err(failed)? {
            true => Ok(()),
            false => Err(format!("there is no token `{id}`")),
        },
        Command::Backup(path) => tell(&at_once(operate::backup(config.database.reveal(), &path))?),
        Command::Restore(path) => {
            tell(&at_once(operate::restore(config.database.reveal(), &path))?)
        }
        Command::Copy(to, books) => {
            tell(&at_once(operate::copy(config.database.reveal(), &to, &books))?)
        }
        Command::Check(path) => tell(&at_once(operate::check(config.database.reveal(), &path))?),
        Command::OpenApi => tell(&openapi::text()),
        Command::Help => tell(&config::help()),
        Command::Version => tell(concat!(env!("CARGO_PKG_VERSION"), "\n")),
    }
}

/// Runs what an operator asks for.
fn at_once<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}

async fn start(config: Config, tokens: Arc<Tokens>) -> Result<(), String> {
    let database = |error| format!("the database cannot be opened: {error}");
    let store = fiscaflow_store::open(config.database.reveal()).await.map_err(database)?;
    let ids = Arc::new(RandomIds::new().map_err(|error| error.to_string())?);
    let given = Given {
        outside: helper(config.outside)?,
        keys: config.secret_keys,
        signer: config.signer.map(|signer| Arc::new(signer) as _),
    };
    let state = AppState::new(
        store,
        Arc::new(SystemClock),
        ids,
        Arc::clone(&tokens),
        given,
        config.limits,
        config.timeouts,
    )
    .map_err(|error| error.to_string())?;
    // Whoever waits for the token knows then that the server can be reached.
    let address = config.address;
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let stop = signals().map_err(|error| error.to_string())?;
    post(config.webhook, &state)?;
    publish(config.rabbitmq, &state)?;
    show_first_token(&tokens)?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    match serve::serve(listener, state, stop).await {
        true => Ok(()),
        false => Err("not everything had ended in time".to_owned()),
    }
}

#[cfg(feature = "outside")]
fn helper(settings: Option<Outside>) -> Result<Option<Arc<dyn Helper>>, String> {
    use fiscaflow_server::outside::{Model, SystemTimer};

    let Some(settings) = settings else { return Ok(None) };
    let model = Model::new(settings, Arc::new(SystemTimer::default()))?;
    tracing::info!(?model, "names of payees and categories go outside where a request says so");
    Ok(Some(Arc::new(model)))
}

#[cfg(not(feature = "outside"))]
fn helper(settings: Option<Outside>) -> Result<Option<Arc<dyn Helper>>, String> {
    match settings {
        None => Ok(None),
        Some(_) => Err("this program was built without `--outside`".to_owned()),
    }
}

/// Tells the webhook of events from now on, where there is one.
#[cfg(feature = "webhooks")]
fn post(settings: Option<Webhook>, state: &AppState) -> Result<(), String> {
    use fiscaflow_server::{relay, webhook::WebhookSink};

    let Some(settings) = settings else { return Ok(()) };
    let sink = Arc::new(WebhookSink::new(&settings, Arc::clone(&state.clock))?);
    relay::start(sink, WebhookSink::options(&settings), state)
}

#[cfg(not(feature = "webhooks"))]
fn post(settings: Option<Webhook>, _state: &AppState) -> Result<(), String> {
    match settings {
        None => Ok(()),
        Some(_) => Err("this program was built without `--webhook-url`".to_owned()),
    }
}

/// Tells the broker of events from now on, where there is one.
#[cfg(feature = "rabbitmq")]
fn publish(settings: Option<RabbitMq>, state: &AppState) -> Result<(), String> {
    use fiscaflow_server::{rabbitmq::RabbitMqSink, relay};

    let Some(settings) = settings else { return Ok(()) };
    let options = RabbitMqSink::options(&settings);
    relay::start(Arc::new(RabbitMqSink::new(settings)?), options, state)
}

#[cfg(not(feature = "rabbitmq"))]
fn publish(settings: Option<RabbitMq>, _state: &AppState) -> Result<(), String> {
    match settings {
        None => Ok(()),
        Some(_) => {
            Err(format!("this program was built without RabbitMQ: {}", config::RABBITMQ_URL))
        }
    }
}

fn show_first_token(tokens: &Tokens) -> Result<(), String> {
    let actor = FIRST_ACTOR.parse().map_err(|error: fiscaflow_core::Error| error.to_string())?;
    let made = tokens.create_first(actor, SystemClock.now());
    let Some(secret) = made.map_err(|error| format!("the tokens cannot be written: {error}"))?
    else {
        return Ok(());
    };
    let passing = match tokens.are_kept() {
        true => "",
        false => " Without `--tokens FILE` it is gone with the server.",
    };
    tell(&format!(
        "The first token, for the actor `{FIRST_ACTOR}`. It is shown only now:{passing}\n\n    {secret}\n\n"
    ))
}

/// What a command answers, and tokens, go to standard output; everything else is log.
fn tell(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.to_string())
}

fn log_to_stderr(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("`--log`: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let log = log.with_target(false);
    match config.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    // What a panic says may quote what it stumbled over: the place is enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a defect: panicked");
    }));
    Ok(())
}

/// Done at the first signal to end; a second one ends the process at once.
fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut next = next_signal()?;
    Ok(async move {
        next.wait().await;
        tokio::spawn(async move {
            next.wait().await;
            std::process::exit(1);
        });
    })
}

#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
fn next_signal() -> io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

#[cfg(unix)]
impl Signals {
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
fn next_signal() -> io::Result<Signals> {
    Ok(Signals)
}

#[cfg(not(unix))]
impl Signals {
    async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
