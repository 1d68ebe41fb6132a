//! A throwaway PostgreSQL: one server for a test process, one database for a test.
//!
//! `FISCAFLOW_TEST_PG_URL` names a server to use instead, by a user that may make databases and
//! roles. Otherwise the programs are looked for on the path and where Debian keeps them. PostgreSQL
//! does not run as root: then it runs as the user `postgres`. A shell waits for the end of the test
//! process, however it ends, and takes the server and its files away.
//!
//! Tests meet the database as an ordinary role that owns it: row-level security holds for it, as it
//! does not for the superuser.

#![allow(dead_code, reason = "not every test needs all of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The role that owns the databases.
pub const ROLE: &str = "fiscaflow_test";
/// A role that has to show its password, `right`.
pub const LOCKED: &str = "fiscaflow_locked";
/// The user that the server runs as where the tests run as root.
const SERVER_USER: &str = "postgres";

/// A server that answers.
pub struct TestPg {
    /// The superuser's URL, without a database.
    admin: String,
    /// Where it listens: `host:port`.
    pub address: String,
    /// Its files, where it is ours.
    pub folder: PathBuf,
    /// What it was started with.
    arguments: Vec<String>,
    /// The shell that waits for our end. Its input closes with us.
    _watch: Option<Child>,
}

/// A PgBouncer in transaction mode before the server of this test process.
pub struct Pooler {
    address: String,
    _watch: Child,
}

/// A database of its own.
pub struct Database {
    /// Its name.
    pub name: String,
    /// The owner's URL.
    pub url: String,
    /// The superuser's URL.
    pub admin: String,
}

/// The server of this test process; `None`, once said so, where there is no PostgreSQL.
pub fn server() -> &'static TestPg {
    static SERVER: OnceLock<TestPg> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("FISCAFLOW_TEST_PG_URL") {
        Ok(url) => TestPg::at(&url),
        Err(_) => TestPg::start(&["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
    })
}

/// A fresh database on the server of this test process.
pub fn database() -> Database {
    server().database()
}

/// Runs statements on a connection of their own, all or none.
pub fn run(url: &str, sql: impl AsRef<str>) {
    query(url, sql.as_ref());
}

/// Runs a statement on a connection of its own and gives its one value.
pub fn query(url: &str, sql: &str) -> String {
    let mut psql = Command::new(program("psql"));
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
    let done = psql.stdin(Stdio::null()).output().expect("psql runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

impl TestPg {
    /// Another's server.
    fn at(url: &str) -> Self {
        let admin = url.trim_end_matches('/').to_owned();
        let address = admin.rsplit(['@', '/']).next().unwrap_or_default().to_owned();
        let arguments = Vec::new();
        let it = Self { admin, address, folder: PathBuf::new(), arguments, _watch: None };
        it.make_role();
        it
    }

    /// A server of our own with these settings.
    pub fn start(settings: &[&str]) -> Self {
        let folder = server_folder();
        let made = as_server_user(&program("initdb"), &folder)
            .args(["-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"])
            .arg("--no-sync")
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let access = folder.join("data/pg_hba.conf");
        let first = format!("host all {LOCKED} all scram-sha-256\n");
        let rest = std::fs::read_to_string(&access).unwrap();
        std::fs::write(access, first + &rest).unwrap();
        // The port may be taken before the server has it.
        for _ in 0..10 {
            let port = free_port();
            let mut arguments = vec!["-D".to_owned(), "data".to_owned(), "-k".to_owned()];
            arguments.extend([folder.display().to_string(), "-p".to_owned(), port.to_string()]);
            let ours = ["listen_addresses=127.0.0.1", "max_connections=300"];
            for setting in ours.iter().chain(settings) {
                arguments.extend(["-c".to_owned(), (*setting).to_owned()]);
            }
            let watch = watched(&program("postgres"), &arguments, &folder);
            if let Some(watch) = ready(watch, &folder, "ready to accept connections") {
                let address = format!("127.0.0.1:{port}");
                let admin = format!("postgres://postgres@{address}");
                let it = Self { admin, address, folder, arguments, _watch: Some(watch) };
                it.make_role();
                return it;
            }
        }
        panic!("the server does not start: {}", log_of(&folder));
    }

    fn make_role(&self) {
        let url = format!("{}/postgres", self.admin);
        let sql = format!(
            "DO $$ BEGIN CREATE ROLE {ROLE} LOGIN PASSWORD 'fiscaflow'; \
             CREATE ROLE {LOCKED} LOGIN PASSWORD 'right'; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        run(&url, sql);
    }

    /// A fresh database.
    pub fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        let server = format!("{}/postgres", self.admin);
        run(&server, format!("DROP DATABASE IF EXISTS {name}"));
        run(&server, format!("CREATE DATABASE {name} OWNER {ROLE}"));
        let url = format!("postgres://{ROLE}:fiscaflow@{}/{name}", self.address);
        Database { url, admin: format!("{}/{name}", self.admin), name }
    }

    /// Kills a server of our own, as a machine that fails would.
    pub fn kill(&self) {
        let file = self.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("the server's id");
        let id = text.lines().next().unwrap_or_default();
        assert!(Command::new("kill").args(["-KILL", id]).status().unwrap().success());
    }

    /// Starts a server that was killed again, in its place.
    pub fn restart(&mut self) {
        // As long as its shell lives, the dead server is not gone for the one that follows.
        let mut before = self._watch.take().expect("a shell");
        before.kill().unwrap();
        before.wait().unwrap();
        let folder = self.folder.clone();
        let arguments = self.arguments.clone();
        for _ in 0..1_000 {
            let watch = watched(&program("postgres"), &arguments, &folder);
            if let Some(watch) = ready(watch, &folder, "ready to accept connections") {
                self._watch = Some(watch);
                return;
            }
        }
        panic!("the server does not start again: {}", log_of(&folder));
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        log_of(&self.folder)
    }
}

/// The pooler of this test process.
pub fn pooler() -> &'static Pooler {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    POOLER.get_or_init(|| Pooler::start(&server().address))
}

impl Pooler {
    fn start(server: &str) -> Self {
        let folder = server_folder();
        let (host, server_port) = server.split_once(':').unwrap_or((server, "5432"));
        let users = format!("\"{ROLE}\" \"fiscaflow\"\n");
        std::fs::write(folder.join("users.txt"), users).unwrap();
        for _ in 0..10 {
            let port = free_port();
            let settings = format!(
                "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = trust\nauth_file = users.txt\npool_mode = transaction\n\
                 default_pool_size = 2\nmax_client_conn = 1000\nserver_idle_timeout = 1\n"
            );
            std::fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
            let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
            let program = program.into_iter().find(|path| path.is_file());
            let program = program.expect("PgBouncer is not installed");
            let watch = watched(&program, &["pgbouncer.ini".to_owned()], &folder);
            if let Some(watch) = ready(watch, &folder, "process up") {
                return Self { address: format!("127.0.0.1:{port}"), _watch: watch };
            }
        }
        panic!("the pooler does not start: {}", log_of(&folder));
    }

    /// The owner's URL of a database, through the pooler.
    pub fn url(&self, database: &Database) -> String {
        let name = &database.name;
        format!("postgres://{ROLE}:fiscaflow@{}/{name}?pgbouncer=true", self.address)
    }
}

impl Database {
    /// The owner's URL with a setting.
    pub fn with(&self, settings: &str) -> String {
        format!("{}?{settings}", self.url)
    }

    /// Takes it away, whoever is still connected.
    pub fn drop_now(&self) {
        let server = self.admin.trim_end_matches(&self.name);
        run(&format!("{server}postgres"), format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Starts a program, waits until the input ends, and takes everything away.
const WATCH: &str = r#"
program=$1; folder=$2; shift 2
"$program" "$@" </dev/null & server=$!
read -r _
kill -INT $server; wait $server
cd / && rm -rf "$folder"
"#;

fn watched(program: &Path, arguments: &[String], folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut shell = as_server_user(Path::new("/bin/sh"), folder);
    shell.args(["-c", WATCH, "sh"]).arg(program).arg(folder).args(arguments);
    shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    shell.spawn().expect("a shell")
}

/// A folder that the server's user owns.
fn server_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("fiscaflow-pg-").tempdir().expect("a folder");
    let folder = folder.keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    if let Some((uid, gid)) = server_user(&folder) {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    folder
}

/// A command by the server's user, in its folder.
fn as_server_user(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = server_user(Path::new("/proc/self")) {
        command.uid(uid).gid(gid);
    }
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Waits until the program says in its log that it is ready; `None` where it ends before.
fn ready(mut watch: Child, folder: &Path, says: &str) -> Option<Child> {
    for _ in 0..6_000 {
        let log = log_of(folder);
        if log.contains(says) {
            return Some(watch);
        }
        if log.contains("FATAL") || watch.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    None
}

/// The ids of the user that servers run as, where that is another than who owns a path: root.
fn server_user(path: &Path) -> Option<(u32, u32)> {
    if path.metadata().unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("the list of users");
    let entry = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = entry.filter(|parts| parts.first() == Some(&SERVER_USER));
    let parts = found.next().expect("PostgreSQL is not installed: there is no user `postgres`");
    let number = |place: usize| parts.get(place)?.parse::<u32>().ok();
    number(2).zip(number(3))
}

/// A program of PostgreSQL.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.map(|version| version.unwrap().path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("PostgreSQL is not installed: there is no `{name}`"))
}
