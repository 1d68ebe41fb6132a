//! What comes back: envelopes, statuses, headers, pages.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiscaflow_core::{Error, ErrorCode};
use fiscaflow_server::error::{Failure, Refusal, status};
use serde_json::json;

use crate::support::{Request, Server, encoded};

const FILE: &[u8] = b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>\
<CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>DE001<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>\
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302<TRNAMT>-3.20<NAME>COFFEE</STMTTRN></BANKTRANLIST>\
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n";

#[test]
fn every_code_has_its_status() {
    let mut table = String::new();
    let mut line = |code: &str, lane: fiscaflow_core::Lane, status: axum::http::StatusCode| {
        writeln!(table, "{code:<24} {:<12} {}", lane.as_str(), status.as_u16()).unwrap();
    };
    for code in ErrorCode::ALL {
        line(code.as_str(), code.lane(), status(*code, None));
    }
    let code = ErrorCode::LimitExceeded;
    line("limit_exceeded (content)", code.lane(), status(code, Some("content")));
    for refusal in Refusal::ALL {
        line(refusal.code(), refusal.lane(), refusal.status());
    }
    let golden = include_str!("golden/statuses.txt");
    assert_eq!(table, golden, "the table of statuses changed:\n{table}");
}

#[test]
fn what_is_corrupt_tells_no_details() {
    for code in ErrorCode::ALL.iter().filter(|code| code.lane() == fiscaflow_core::Lane::Corrupt) {
        let error = Error::new(*code, "row 7 of the table").field("payee").line(3).id("secret");
        let told = Failure::from(error).to_json();
        assert_eq!(told["code"], code.as_str());
        assert_eq!(told["details"], json!({"lane": "corrupt"}));
        assert!(!told.to_string().contains("row 7"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_envelopes_and_errors_name_what_is_wrong() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let accounts = format!("/books/{book}/accounts");
    let giro = server.call("anna", "POST", &accounts, json!({"name": "Giro"})).await;
    let account = giro.created();
    let location = giro.header("location").unwrap();
    let read = Request::new(server.address, "GET", location).token(&server.token("anna"));
    assert_eq!(read.send().await.ok(), account);

    let taken = server.call("anna", "POST", &accounts, json!({"name": "Giro"})).await;
    assert_eq!(taken.error(409, "name_taken")["details"]["field"], "name");
    let missing = server.get("anna", &format!("{accounts}/{}", crate::support::NOWHERE)).await;
    let error = missing.error(404, "not_found");
    assert_eq!(error["details"], json!({"lane": "rejected", "id": crate::support::NOWHERE}));
    let no_id = server.get("anna", &format!("{accounts}/seven")).await;
    assert_eq!(no_id.error(422, "invalid_input")["details"]["field"], "id");
    let no_book = server.get("anna", "/books/seven").await;
    assert_eq!(no_book.error(422, "invalid_input")["details"]["field"], "book_id");
    // A verb without an answer has an envelope, too.
    let category = json!({"name": "Food"});
    server.call("anna", "POST", &format!("/books/{book}/categories"), category).await.created();
    let member = format!("/books/{book}/members/ben");
    assert_eq!(server.call("anna", "DELETE", &member, json!({})).await.ok(), json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there_are_told_apart() {
    let server = Server::in_memory().await;
    let token = server.token("anna");
    for target in
        ["/", "/api", "/api/v1", "/api/v1/book", "/api/v2/books", "/health/", "/api/v1/books/"]
    {
        let reply = Request::new(server.address, "GET", target).token(&token).send().await;
        reply.error(404, "no_such_path");
    }
    let allowed = [
        ("DELETE", "/api/v1/books", "POST"),
        ("POST", "/api/v1/books/x", "GET,HEAD,PATCH"),
        ("TRACE", "/api/v1/books/x/accounts", "GET,HEAD,POST"),
        ("POST", "/health", "GET,HEAD"),
    ];
    for (method, target, methods) in allowed {
        let reply = Request::new(server.address, method, target).token(&token).send().await;
        reply.error(405, "method_not_allowed");
        let mut allow: Vec<_> = reply.header("allow").unwrap().split(',').collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), methods, "{method} {target}");
    }
    // Bytes that are no text: in a path, and in a query.
    let path = server.request("GET", "/books/%FF").token(&token).send().await;
    path.error(400, "malformed_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_json_and_say_so() {
    let server = Server::in_memory().await;
    let token = server.token("anna");
    let post = |kind: &str, body: &str| {
        let request = server.request("POST", "/books").token(&token);
        request.body(kind, body.as_bytes().to_vec()).send()
    };
    let json = "application/json";
    for text in ["{", "{\"name\": }", "\u{feff}{}", "{} {}", "{\"name\": \"\\ud800\"}"] {
        post(json, text).await.error(400, "malformed_request");
    }
    let said = post(json, "{\n \"name\": secret}").await.error(400, "malformed_request");
    assert_eq!(said["message"], "the body is not JSON at line 2 column 10");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        post(kind, "{}").await.error(415, "unsupported_media_type");
    }
    let book = r#"{"name": "Home", "currency": "EUR"}"#;
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/a+json"] {
        post(kind, book).await.created();
    }
    // A body that is empty is a request with nothing in it, which lacks a name.
    let error = post(json, " ").await.error(422, "invalid_input");
    assert!(error["message"].as_str().unwrap().contains("name"), "{error}");
    for (text, field) in [
        (r#"{"name": 7, "currency": "EUR"}"#, "name"),
        (
            r#"{"name": "x", "currency": "EUR", "currencies": [{"code": "BTC", "exponent": "8"}]}"#,
            "currencies[0].exponent",
        ),
    ] {
        assert_eq!(post(json, text).await.error(422, "invalid_input")["details"]["field"], field);
    }
    let query = server.request("POST", "/books?name=x").token(&token).json(&json!({}));
    assert_eq!(query.send().await.error(422, "invalid_input")["details"]["field"], "name");
    // A verb that takes no request takes nothing, or an object with nothing in it.
    let rules = format!("/books/{}/rules/apply", server.book("anna").await);
    server.call("anna", "POST", &rules, json!({})).await.ok();
    server.call("anna", "POST", &rules, json!({"all": true})).await.error(422, "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn query_parameters_become_what_the_request_asks_for() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let list = |query: &str| {
        let path = format!("/books/{book}/transactions?{query}");
        let token = server.token("anna");
        let request = server.request("GET", &path).token(&token);
        request.send()
    };
    list("limit=5&uncategorised=true&from=2026-01-01&text=caf%C3%A9+%26+bar").await.ok();
    for (query, code, field) in [
        ("limit=five", "invalid_input", "limit"),
        ("uncategorised=yes", "invalid_input", "uncategorised"),
        ("limit=-1", "invalid_input", "limit"),
        ("limit=1e2", "invalid_input", "limit"),
        ("limit=99999999999999999999", "invalid_input", "limit"),
        ("limit=0", "invalid_input", "limit"),
        ("uncategorised=yes", "invalid_input", "uncategorised"),
        ("from=2026-02-30", "invalid_date", "from"),
        ("from=", "invalid_date", "from"),
        ("status=gone", "invalid_input", "status"),
        ("account_id=7", "invalid_input", "account_id"),
        ("limits=5", "invalid_input", "limits"),
        ("limit=5&limit=6", "invalid_input", "limit"),
        ("limit=5&limit=5", "invalid_input", "limit"),
        ("Limit=5", "invalid_input", "Limit"),
    ] {
        let error = list(query).await.error(422, code);
        assert_eq!(error["details"]["field"], field, "{query}: {error}");
    }
    let accounts = server.get("anna", &format!("/books/{book}/accounts?limit=5")).await;
    assert_eq!(accounts.error(422, "invalid_input")["details"]["field"], "limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_walked_by_pages() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let account = server.account("anna", &book, "Giro").await;
    let transactions = format!("/books/{book}/transactions");
    let mut made = Vec::new();
    for day in 1..=7 {
        let new = json!({"account_id": account, "amount": "-1.00",
            "booking_date": format!("2026-03-{day:02}"), "description": "x"});
        let made_one = server.call("anna", "POST", &transactions, new).await.created();
        made.push(made_one["id"].clone());
    }
    made.reverse();
    let (mut walked, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let reply = server.get("anna", &format!("{transactions}?limit=3{cursor}")).await;
        let page = reply.ok();
        assert_eq!(reply.json()["meta"]["next_cursor"], page["next_cursor"]);
        walked.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        pages += 1;
        // What is recorded meanwhile, before what was listed, moves nothing.
        let new = json!({"account_id": account, "amount": "-1.00", "booking_date": "2026-04-01"});
        server.call("anna", "POST", &transactions, new).await.created();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    assert_eq!((walked, pages), (made, 3));
    // A cursor is for its query, and nobody makes one up.
    let first = server.get("anna", &format!("{transactions}?limit=3")).await.ok();
    let cursor = encoded(first["next_cursor"].as_str().unwrap());
    for query in [format!("cursor={cursor}&text=x"), "cursor=abc".into(), "cursor=".into()] {
        let reply = server.get("anna", &format!("{transactions}?{query}")).await;
        assert_eq!(reply.error(400, "invalid_cursor")["details"]["field"], "cursor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_as_it_is_or_in_json() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let imports = format!("/books/{book}/imports");
    let token = server.token("anna");
    let bare = |kind: Option<&str>, query: &str| {
        let request = server.request("POST", &format!("{imports}?{query}")).token(&token);
        request.body(kind.unwrap_or("application/x-www-form-urlencoded"), FILE.to_vec()).send()
    };
    let report = bare(Some("application/x-ofx"), "create_accounts=true&file_name=m%C3%A4rz.ofx");
    let report = report.await.created();
    assert_eq!((&report["imported"], &report["duplicates"]), (&1.into(), &0.into()));
    // curl says `application/x-www-form-urlencoded` when it is told nothing else.
    for kind in [None, Some("text/plain"), Some("application/octet-stream")] {
        // Nothing was made: 200.
        let report = bare(kind, "format=ofx").await.ok();
        assert_eq!((&report["imported"], &report["duplicates"]), (&0.into(), &1.into()));
    }
    let listed = server.get("anna", &imports).await.ok();
    assert_eq!(listed[0]["file_name"], "m\u{e4}rz.ofx");
    let in_json = json!({"content": STANDARD.encode(FILE)});
    let report = server.call("anna", "POST", &imports, in_json).await.ok();
    assert_eq!((&report["duplicates"], &report["import_id"]), (&1.into(), &json!(null)));
    let untyped = server.request("POST", &imports).token(&token).untyped(FILE.to_vec());
    assert_eq!(untyped.send().await.ok()["duplicates"], 1);

    for (query, field) in
        [("content=eA==", "content"), ("csv=%7B", "csv"), ("partial=1", "partial")]
    {
        let error = bare(Some("text/csv"), query).await.error(422, "invalid_input");
        assert_eq!(error["details"]["field"], field);
    }
    let form = server.request("POST", &imports).token(&token);
    let form = form.body("multipart/form-data; boundary=x", FILE.to_vec()).send().await;
    let said = form.error(415, "unsupported_media_type");
    assert!(said["message"].as_str().unwrap().contains("--data-binary"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_become_the_context() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let token = server.token("anna");
    let create = |name: &str, key: &str| {
        let request = server.request("POST", &format!("/books/{book}/accounts")).token(&token);
        let request =
            request.header("X-Reason", "f\u{fc}r M\u{e4}rz").header("X-Causation-Id", "c-1");
        let request = request.header("X-Correlation-Id", "o-1").header("Idempotency-Key", key);
        request.json(&json!({"name": name})).send()
    };
    let first = create("Giro", "k-1").await.created();
    // Bare or quoted, the key is the same; with another content it is refused.
    assert_eq!(create("Giro", "\"k-1\"").await.created(), first);
    create("Visa", "k-1").await.error(422, "idempotency_key_reused");
    let history = server.get("anna", &format!("/books/{book}/history?after=1")).await.ok();
    assert_eq!(history.as_array().unwrap().len(), 1);
    let entry = &history[0];
    assert_eq!(
        (&entry["reason"], &entry["correlation_id"], &entry["causation_id"]),
        (&"f\u{fc}r M\u{e4}rz".into(), &"o-1".into(), &"c-1".into())
    );
    let request = server.request("POST", &format!("/books/{book}/accounts")).token(&token);
    let request = request.header("Idempotency-Key", "a").header("Idempotency-Key", "b");
    let error = request.json(&json!({"name": "Visa"})).send().await.error(422, "invalid_input");
    assert_eq!(error["details"]["field"], "idempotency_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_made_once_for_a_key() {
    let server = Server::in_memory().await;
    let make = |actor: &str, name: &str| {
        let request = server.request("POST", "/books").token(&server.token(actor));
        let request = request.header("idempotency-key", "first book");
        request.json(&json!({"name": name, "currency": "EUR"})).send()
    };
    let first = make("anna", "Home").await.created();
    assert_eq!(make("anna", "Home").await.created(), first);
    make("anna", "Shop").await.error(422, "idempotency_key_reused");
    // A key is its actor's.
    assert_ne!(make("ben", "Home").await.created()["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_taken_where_they_are_harmless() {
    let server = Server::in_memory().await;
    let ask =
        |id: &str| Request::new(server.address, "GET", "/health").header("x-request-id", id).send();
    let longest = "x".repeat(128);
    for id in ["a", "A-1_2.3", &longest] {
        let reply = ask(id).await;
        reply.ok();
        assert_eq!(reply.header("x-request-id"), Some(id));
    }
    let too_long = "x".repeat(129);
    for id in ["", "a b", "a\"b", "<script>", "\u{fc}", &too_long] {
        let reply = ask(id).await;
        reply.ok();
        assert_eq!(reply.header("x-request-id").unwrap().len(), 36);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_paths_may_be_any_text() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let members = format!("/books/{book}/members");
    let actor = "b/e n?\u{fc}%2F";
    let member = json!({"actor": actor, "role": "viewer"});
    server.call("anna", "PUT", &members, member).await.ok();
    let history = format!("/books/{book}/history/objects/{}", encoded(actor));
    assert_eq!(server.get("anna", &history).await.ok().as_array().unwrap().len(), 1);
    let one = format!("{members}/{}", encoded(actor));
    server.call("anna", "DELETE", &one, json!({})).await.ok();
    assert_eq!(server.get("anna", &members).await.ok().as_array().unwrap().len(), 1);
}
