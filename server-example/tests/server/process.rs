//! The program itself: the first token, commands, signals, what it writes, and the README.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;

use crate::shared;
use crate::support::Request;

/// A running program. It is killed when dropped.
struct Running {
    child: Child,
    address: SocketAddr,
    /// What it wrote to standard output before it listened.
    stdout: String,
    log: std::thread::JoinHandle<String>,
}

impl Running {
    fn start(dir: &Path, args: &[&str]) -> Self {
        Self::start_in(&[], dir, args)
    }

    fn start_in(environment: &[(&str, &str)], dir: &Path, args: &[&str]) -> Self {
        let mut child = program(dir)
            .envs(environment.iter().copied())
            .args(["--address", "127.0.0.1:0", "--log-format", "json"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let line: serde_json::Value = serde_json::from_str(&first).expect(&first);
        let address = line["address"].as_str().expect(&first).parse().unwrap();
        let log = std::thread::spawn(move || {
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).unwrap();
            first + &rest
        });
        Self { child, address, stdout: String::new(), log }
    }

    /// Sends a signal and waits; gives the exit code, standard output and the log.
    fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        let id = self.child.id().to_string();
        // The shell's own `kill`: a bare Debian has no other.
        let kill = format!("kill {signal} {id}");
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        self.child.stdout.take().unwrap().read_to_string(&mut self.stdout).unwrap();
        (code, self.stdout, self.log.join().unwrap())
    }
}

fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fiscaflow-server"));
    command.current_dir(dir).env_clear();
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    program(dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn secret(text: &str) -> String {
    let mut words = text.split_whitespace();
    words.find(|word| word.starts_with("fiscaflow_")).expect(text).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_shows_a_token_once() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = Running::start(dir.path(), &[]).end("-TERM");
    assert_eq!(code, Some(0));
    let token = secret(&out);
    let again = Running::start(dir.path(), &[]);
    let reply = Request::new(again.address, "POST", "/api/v1/books").token(&token);
    reply.json(&json!({"name": "Home", "currency": "EUR"})).send().await.created();
    let (code, out, log) = again.end("-INT");
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(log.contains(r#""verb":"books.create""#) && log.contains("stopped"), "{log}");
}

/// Whoever makes a token before the first start is shown none by the server, so that none reaches
/// the journal of a service.
#[test]
fn a_token_made_beforehand_is_the_first() {
    let dir = tempfile::tempdir().unwrap();
    secret(&stdout(&run(dir.path(), &["token", "create", "--actor", "owner"])));
    let (code, out, log) = Running::start(dir.path(), &[]).end("-TERM");
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(!log.contains("fiscaflow_"), "{log}");
    assert_eq!(stdout(&run(dir.path(), &["token", "list"])).lines().count(), 1);
}

/// What probes and strangers ask is a line for whoever wants it; what is asked of the engine is one
/// for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn probes_leave_the_log_alone() {
    for (level, probes) in [("info", false), ("debug", true)] {
        let dir = tempfile::tempdir().unwrap();
        let server = Running::start(dir.path(), &["--log", level]);
        Request::new(server.address, "GET", "/health").send().await.ok();
        Request::new(server.address, "GET", "/wp-login.php")
            .send()
            .await
            .error(404, "no_such_path");
        let refused = Request::new(server.address, "POST", "/api/v1/books").send().await;
        refused.error(401, "unauthorized");
        let (_, _, log) = server.end("-TERM");
        assert_eq!(log.contains("no_such_path"), probes, "{log}");
        assert_eq!(log.contains(r#""status":200"#), probes, "{log}");
        assert!(log.contains(r#""code":"unauthorized""#), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_revoked_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(dir.path(), &[]);
    let token = secret(&stdout(&run(dir.path(), &["token", "create", "--actor", "ben"])));
    let narrow = ["token", "create", "--actor", "ben", "--books", "none"];
    secret(&stdout(&run(dir.path(), &narrow)));
    let listed = stdout(&run(dir.path(), &["token", "list"]));
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(lines[1].contains("ben") && lines[1].contains("all books"), "{listed}");
    assert!(lines[2].ends_with("ben  none"), "{listed}");
    assert!(!listed.contains("fiscaflow_"));
    let ask = || {
        let request = Request::new(server.address, "POST", "/api/v1/books").token(&token);
        request.json(&json!({"name": "Home", "currency": "EUR"})).send()
    };
    ask().await.created();
    let id = lines[1].split(' ').next().unwrap();
    stdout(&run(dir.path(), &["token", "revoke", id]));
    ask().await.error(401, "unauthorized");
    assert!(!run(dir.path(), &["token", "revoke", id]).status.success());
    server.end("-TERM");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_secret_or_personal_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(dir.path(), &["--log", "debug"]);
    let token = secret(&stdout(&run(dir.path(), &["token", "create", "--actor", "canary1"])));
    let call = |method: &str, path: &str| {
        let request = Request::new(server.address, method, path).token(&token);
        request.header("x-reason", "canary2").header("x-correlation-id", "canary3")
    };
    let book = json!({"name": "canary4", "currency": "EUR"});
    let book = call("POST", "/api/v1/books").json(&book).send().await.created();
    let path = format!("/api/v1/books/{}", book["id"].as_str().unwrap());
    let listed = call("GET", &format!("{path}/transactions?text=canary5")).send().await;
    listed.ok();
    let file = b"canary6;1,00\n".to_vec();
    let import = call("POST", &format!("{path}/imports?file_name=canary7"));
    import.body("text/csv", file).send().await;
    call("DELETE", &format!("{path}/members/canary8")).send().await.ok();
    call("GET", "/canary9").send().await.error(404, "no_such_path");
    call("GET", &path).header("x-request-id", "canary 10").send().await.ok();
    let (_, _, log) = server.end("-TERM");
    assert!(log.contains("members.remove"), "{log}");
    assert!(!log.contains("canary") && !log.contains(&token["fiscaflow_".len()..]), "{log}");
}

#[test]
fn what_cannot_be_started_says_why() {
    let dir = tempfile::tempdir().unwrap();
    for (args, said, code) in [
        (&["--address", "0.0.0.0:8080"][..], "--allow-remote", 64),
        (&["--database", "sqlite:nowhere/books.db"], "directory", 1),
        (&["--database", "mysql:x"], "mysql", 1),
        (&["--database", "memory:", "token", "list"], "no file for tokens", 1),
        (&["--colour", "red"], "--colour", 64),
        (&["start"], "start", 64),
    ] {
        let output = run(dir.path(), args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
    }
    let help = stdout(&run(dir.path(), &["--help"]));
    assert!(help.contains("token create") && help.contains("FISCAFLOW_ADDRESS"));
    assert_eq!(stdout(&run(dir.path(), &["--version"])), concat!(env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_readme_lists_every_setting() {
    let readme = include_str!("../../README.md");
    for setting in fiscaflow_server::config::SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let line = format!("| `--{}` | `{}` | {default} |", setting.flag, setting.variable);
        assert!(readme.contains(&line), "the README lacks `{line}`");
    }
}

/// Runs what the README tells an operator to type, in its order, against a fresh server.
#[test]
fn the_examples_in_the_readme_work() {
    if !Command::new("curl").arg("--version").output().is_ok_and(|it| it.status.success()) {
        return shared::skip("curl is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(dir.path(), &[]);
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let examples: Vec<_> = blocks.filter(|block| block.contains("curl")).collect();
    assert!(examples.len() > 3);
    let made = run(dir.path(), &["token", "create", "--actor", "owner"]);
    let script = examples.concat().replace("127.0.0.1:8080", &server.address.to_string());
    let script = script.replace("fiscaflow_...", &secret(&stdout(&made)));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // `--fail-with-body` makes curl's exit code tell whether the answer is an error.
    let shell =
        format!("set -e\ncurl() {{ command curl --silent --fail-with-body \"$@\"; }}\n{script}");
    let output = Command::new("sh").arg("-c").arg(&shell).current_dir(root).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(r#""imported":"#) && text.contains(r#""verified":true"#), "{text}");
    server.end("-TERM");
}

#[cfg(feature = "webhooks")]
#[tokio::test(flavor = "multi_thread")]
async fn events_reach_the_webhook_signed() {
    // Holds: the program posts what happens in its books, signed with the secret of its
    // environment, also what happened before the webhook was named.
    use crate::webhook::{PATIENCE, receiver};

    let dir = tempfile::tempdir().unwrap();
    let (url, mut posts) = receiver([]).await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let args = ["--webhook-url", &url];
    let running = Running::start_in(&[("FISCAFLOW_WEBHOOK_SECRET", secret)], dir.path(), &args);
    let token = self::secret(&stdout(&run(dir.path(), &["token", "create", "--actor", "anna"])));
    let request = Request::new(running.address, "POST", "/api/v1/books");
    let book = json!({"name": "Home", "currency": "EUR"});
    let book = request.token(&token).json(&book).send().await.created();
    let post = tokio::time::timeout(PATIENCE, posts.recv()).await.unwrap().unwrap();
    assert!(post.is_signed());
    let body: serde_json::Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!(body["book_id"], book["id"]);
    let (code, _, log) = running.end("-TERM");
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("MfKQ9") && !log.contains("/hook"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_backed_up_restored_and_copied_while_the_server_runs() {
    // Holds: the commands do what the library does, on the databases they are given, and say what
    // they did; what is there already or not at all is refused with the words of the problem.
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run(dir.path(), args);
    let token = secret(&stdout(&run(&["token", "create", "--actor", "anna"])));
    let running = Running::start(dir.path(), &[]);
    for name in ["Home", "Club"] {
        let book = json!({"name": name, "currency": "EUR"});
        let request = Request::new(running.address, "POST", "/api/v1/books");
        request.token(&token).json(&book).send().await.created();
    }
    let made = stdout(&run(&["backup", "one.db"]));
    assert!(made.starts_with("2 books, 2 commits, "), "{made}");
    let restored = stdout(&run(&["restore", "one.db", "--database", "sqlite:again.db"]));
    assert_eq!(restored, made);
    let copied = stdout(&run(&["copy", "sqlite:other.db", "--database", "sqlite:again.db"]));
    assert_eq!(copied.matches("1 commits copied, 1 in all").count(), 2, "{copied}");
    let copied = stdout(&run(&["copy", "sqlite:other.db", "--books", &copied[..36]]));
    assert_eq!(copied.lines().count(), 1, "{copied}");
    assert!(copied.contains("0 commits copied, 1 in all"), "{copied}");
    let path = format!("/api/v1/books/{}/proofs/checkpoint", &copied[..36]);
    let held = Request::new(running.address, "GET", &path).token(&token).send().await.ok();
    let note = held["note"].as_str().unwrap();
    std::fs::write(dir.path().join("held.txt"), note).unwrap();
    std::fs::write(dir.path().join("later.txt"), note.replacen("\n1\n", "\n7\n", 1)).unwrap();
    let checked = stdout(&run(&["check", "held.txt"]));
    assert!(checked.contains("the history of 1 commits begins with"), "{checked}");
    assert_eq!(running.end("-TERM").0, Some(0));
    for (args, part) in [
        (&["backup", "one.db"][..], "there already"),
        (&["restore", "one.db"], "there already"),
        (&["backup", "new.db", "--database", "sqlite:none.db"], "no database `none.db`"),
        (&["backup", "new.db", "--database", "memory:"], "keeps nothing"),
        (&["restore", "one.db", "--database", "sqlite::memory:"], "keeps nothing"),
        (&["copy", "nothing:"], "names no store"),
        (&["check", "later.txt"], "fewer than the checkpoint's 7"),
    ] {
        let output = run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(part), "{args:?}: {said}");
    }
    assert!(!dir.path().join("none.db").exists() && !dir.path().join("new.db").exists());
}
