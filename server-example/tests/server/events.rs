//! Progress as server-sent events.

use serde_json::{Value, json};

use crate::support::{Reply, Server};

const EVENTS: &str = "text/event-stream";

/// A file with that many rows.
pub fn file(rows: usize) -> Vec<u8> {
    let row = |n: usize| format!("2026-03-{:02},-1.{:02},Bakery {n}\n", n % 28 + 1, n % 100);
    let rows: String = (0..rows).map(row).collect();
    format!("Date,Amount,Description\n{rows}").into_bytes()
}

/// The events of an answer, by name, with the answer's head checked.
pub fn events(reply: &Reply) -> Vec<(String, Value)> {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(EVENTS)));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let text = unchunked(&reply.body);
    let event = |lines: &str| {
        let (name, data) = lines.split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'), "{data}");
        let name = name.strip_prefix("event: ").unwrap();
        (name.to_owned(), serde_json::from_str(data).unwrap())
    };
    text.strip_suffix("\n\n").unwrap().split("\n\n").map(event).collect()
}

/// A body without the lengths of its pieces (RFC 9112, section 7.1).
fn unchunked(mut body: &[u8]) -> String {
    let mut text = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let rest = &body[end + 2..];
        if length == 0 {
            assert_eq!(rest, b"\r\n");
            return String::from_utf8(text).unwrap();
        }
        text.extend(&rest[..length]);
        body = rest[length..].strip_prefix(b"\r\n").unwrap();
    }
}

/// Checks that progress only rises, in the phases' order, and ends with all rows; gives how often
/// each phase was told of.
fn judge(progress: &[Value], total: u64) -> Vec<(String, usize)> {
    let mut phases: Vec<(String, usize)> = Vec::new();
    let mut before = None;
    for it in progress {
        let (phase, done) = (it["phase"].as_str().unwrap(), it["done"].as_u64().unwrap());
        assert_eq!(it["total"], total);
        if phases.last().is_some_and(|(last, _)| last == phase) {
            assert!(before < Some(done), "{progress:?}");
        } else {
            assert!(before.is_none_or(|before| before == total), "{progress:?}");
            phases.push((phase.to_owned(), 0));
        }
        before = Some(done);
        phases.last_mut().unwrap().1 += 1;
    }
    assert_eq!(before, Some(total));
    phases
}

#[tokio::test]
async fn an_import_tells_its_progress_and_then_its_answer() {
    // Holds: whoever asks for events hears of every phase, and last the envelope of the plain
    // answer; a preview stores nothing.
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let account = server.account("anna", &book, "Giro").await;
    for (verb, phases) in [
        ("imports/preview", &[("read", 1), ("match", 101)][..]),
        ("imports", &[("read", 1), ("match", 101), ("store", 2)]),
        ("imports", &[("read", 1), ("match", 101)]),
    ] {
        let path = format!("/books/{book}/{verb}?account_id={account}");
        let request = server.request("POST", &path).token(&server.token("anna"));
        let request = request.header("accept", "application/json;q=0.5, Text/Event-Stream;q=0.9");
        let reply = request.body("text/csv", file(2_000)).send().await;
        let mut told = events(&reply);
        let (name, end) = told.pop().unwrap();
        assert_eq!(name, "result");
        assert!(told.iter().all(|(name, _)| name == "progress"));
        let told: Vec<Value> = told.into_iter().map(|(_, progress)| progress).collect();
        let expected = phases.iter().map(|(phase, count)| ((*phase).to_owned(), *count));
        assert_eq!(judge(&told, 2_000), expected.collect::<Vec<_>>());
        assert_eq!(end["meta"]["request_id"].as_str(), reply.header("x-request-id"));
        let report = if verb == "imports" { &end["data"] } else { &end["data"]["report"] };
        let rows = [&report["imported"], &report["duplicates"]];
        assert_eq!(rows.map(|it| it.as_u64().unwrap()).iter().sum::<u64>(), 2_000);
    }
    assert_eq!(server.commits("anna", &book).await, 3);
}

#[tokio::test]
async fn what_goes_wrong_is_the_last_event_or_a_plain_answer() {
    // Holds: what the engine refuses is an event with the error's envelope; what is refused before
    // the engine is asked has its status; other verbs have no events.
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let path = format!("/books/{book}/imports");
    let request = || server.request("POST", &path).header("accept", EVENTS);
    let reply = request().token(&server.token("anna")).body("text/csv", b"\0".into()).send().await;
    let told = events(&reply);
    let [(name, end)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((name.as_str(), &end["error"]["code"]), ("error", &json!("unknown_format")));
    assert_eq!(end["error"]["details"]["lane"], "rejected");
    assert_eq!(end["meta"]["request_id"].as_str(), reply.header("x-request-id"));
    request().body("text/csv", file(1)).send().await.error(401, "unauthorized");
    let list = server.request("GET", &path).header("accept", EVENTS);
    assert_eq!(list.token(&server.token("anna")).send().await.ok(), json!([]));
}
