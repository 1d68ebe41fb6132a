//! Opening: what a URL means, and how connections are set up.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use fiscaflow_core::Result;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::statement::PLANNER;
use super::{PostgresStore, error, migrate};
use crate::pool::{Bounds, Pool};
use crate::{check_runtime, invalid_url, unavailable};

/// How many connections there are at once, unless the URL says otherwise.
const CONNECTIONS: u32 = 10;
/// How long opening waits for the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for its turn, and for the server where no connection is left.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that was idle, or was left in the midst of something, may take to answer.
const ASKED: Duration = Duration::from_secs(2);
/// How long a connection may be idle, and how old it may become: a server's process grows with what
/// it has seen.
const IDLE: Duration = Duration::from_secs(600);
const AGE: Duration = Duration::from_secs(1_800);
/// The settings of a URL that say how to reach the server.
const CONNECTION_SETTINGS: [&str; 6] =
    ["host", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"];

/// Our own settings of a URL.
struct Settings {
    max_connections: u32,
    by_transaction: bool,
}

pub(super) async fn open(url: &str) -> Result<PostgresStore> {
    check_runtime()?;
    let (options, settings) = read_url(url)?;
    prepare(&options).await?;
    let connections = settings.max_connections;
    let bounds = Bounds { connections, turn: TURN_TIMEOUT, asked: ASKED, idle: IDLE, age: AGE };
    let pool = Arc::new(Pool::new(options, bounds));
    Ok(PostgresStore { pool, by_transaction: settings.by_transaction })
}

/// Checks that the server answers, and that the schema is ours and up to date.
async fn prepare(options: &PgConnectOptions) -> Result<()> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options));
    let late = |_| unavailable("the database server does not answer");
    let mut connection = connecting.await.map_err(late)?.map_err(error::failed_to_open)?;
    migrate::migrate(&mut connection).await?;
    connection.close().await.map_err(error::failed)
}

/// Takes our settings out of a URL and leaves the others to the driver, which would overlook one
/// that it does not know. No error shows the URL: it may hold a password.
fn read_url(url: &str) -> Result<(PgConnectOptions, Settings)> {
    let (server, settings) = url.split_once('?').unwrap_or((url, ""));
    let mut own = Settings { max_connections: CONNECTIONS, by_transaction: false };
    let mut rest = Vec::new();
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        match name {
            "max_connections" => {
                let count = value.parse().ok().filter(|count| (1..=1_000).contains(count));
                let refused = || invalid_url("`max_connections` is a number from 1 to 1000");
                own.max_connections = count.ok_or_else(refused)?;
            }
            "pgbouncer" => {
                let given = value.parse();
                let refused = |_| invalid_url("`pgbouncer` is `true` or `false`");
                own.by_transaction = given.map_err(refused)?;
            }
            name if CONNECTION_SETTINGS.contains(&name) => rest.push(setting),
            name => {
                let name: String = name.chars().take(40).collect();
                return Err(invalid_url(format!("`{name}` is no setting of a postgres store")));
            }
        }
    }
    let form = || invalid_url("the url is not of the form `postgres://USER@HOST/DATABASE`");
    if !server.contains("://") {
        return Err(form());
    }
    let url = format!("{server}?{}", rest.join("&"));
    let options = PgConnectOptions::from_str(&url).map_err(|_| form())?;
    let options = if options.get_application_name().is_none() {
        options.application_name("fiscaflow")
    } else {
        options
    };
    // There are no floats; and poolers refuse settings.
    let options = options.extra_float_digits(None).disable_statement_logging();
    let options = if own.by_transaction { options } else { options.options(PLANNER) };
    Ok((options, own))
}
