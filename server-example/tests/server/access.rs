//! Who reaches what: tokens, books out of reach, roles.

use std::collections::BTreeSet;

use fiscaflow_core::api::{Method, VERBS, Verb};
use fiscaflow_server::auth::Books;
use serde_json::{Value, json};

use crate::support::{NOWHERE, Reply, Server, least_request, method, path, query};

/// Sends a verb's least request, or junk in its place.
async fn send(
    server: &Server,
    token: &str,
    verb: &Verb,
    book: &str,
    id: &str,
    junk: bool,
) -> Reply {
    let request = if junk { json!({"junk": 1}) } else { least_request(verb) };
    let target = path(verb, book, id);
    let sent = if verb.method == Method::Get {
        server.request("GET", &format!("{target}{}", query(&request)))
    } else {
        server.request(method(verb), &target).json(&request)
    };
    sent.token(token).send().await
}

/// What stays when the request id and the time are taken away.
fn body(reply: &Reply) -> Value {
    let mut body = reply.json();
    body["meta"] = Value::Null;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_out_of_reach_answers_like_one_that_is_not_there() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let account = server.account("anna", &book, "Giro").await;
    let other = server.book("anna").await;
    let before = server.commits("anna", &book).await;
    let other_books = BTreeSet::from([other.parse().unwrap()]);
    let tokens = [
        ("another actor's", server.token("ben")),
        ("the owner's for another book", server.new_token("anna", Books::Listed(other_books))),
        ("the owner's for no book", server.new_token("anna", Books::Listed(BTreeSet::new()))),
    ];
    for verb in VERBS.iter().filter(|verb| verb.path.contains("{book_id}")) {
        for (whose, token) in &tokens {
            let foreign = send(&server, token, verb, &book, &account, false).await;
            let unknown = send(&server, token, verb, NOWHERE, &account, false).await;
            assert_eq!(body(&foreign), body(&unknown), "{} with {whose} token", verb.name);
            assert_eq!(foreign.status, unknown.status);
            foreign.error(404, "book_not_found");
            // Nor may a request that is wrong be judged earlier where there is a book.
            let foreign = send(&server, token, verb, &book, &account, true).await;
            let unknown = send(&server, token, verb, NOWHERE, &account, true).await;
            assert_eq!(body(&foreign), body(&unknown), "{} with {whose} token", verb.name);
        }
    }
    assert_eq!(server.commits("anna", &book).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_needs_a_token_and_all_bad_ones_are_refused_alike() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let token = server.token("anna");
    let revoked = server.new_token("anna", Books::All);
    let id = server.tokens.find(&revoked).unwrap().unwrap().id.clone();
    assert!(server.tokens.revoke(&id).unwrap());
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {token}")),
        Some(token.clone()),
        Some(format!("Bearer {token}x")),
        Some(format!("Bearer {}", token.to_uppercase())),
        Some(format!("Bearer {revoked}")),
        Some("Bearer \u{fc}".to_owned()),
    ];
    let mut answers = BTreeSet::new();
    for verb in VERBS {
        for authorization in &wrong {
            let request = server.request(method(verb), &path(verb, &book, NOWHERE));
            let request = match authorization {
                Some(value) => request.header("authorization", value),
                None => request,
            };
            let reply = request.send().await;
            reply.error(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            answers.insert(body(&reply).to_string());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Two tokens are as good as none, and the scheme is not a matter of letter case.
    let twice = server.request("GET", &format!("/books/{book}")).token(&token).token(&token);
    twice.send().await.error(401, "unauthorized");
    let lower = server.request("GET", &format!("/books/{book}"));
    lower.header("Authorization", &format!("bearer {token}")).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_everything_and_writes_nothing() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let account = server.account("anna", &book, "Giro").await;
    let member = json!({"actor": "vera", "role": "viewer"});
    server.call("anna", "PUT", &format!("/books/{book}/members"), member).await.ok();
    let before = server.commits("anna", &book).await;
    let token = server.token("vera");
    for verb in VERBS.iter().filter(|verb| verb.path.contains("{book_id}")) {
        let reply = send(&server, &token, verb, &book, &account, false).await;
        // Those that read although their request is too large for a query.
        let reads = [
            "transfers.suggest",
            "rules.parse",
            "rules.backtest",
            "payees.normalise",
            "suggestions.list",
            "budgets.recommend",
            "envelopes.preview",
            "reports.run",
            "reports.parse",
            "reports.describe",
            "reports.forecast",
            "reports.afford",
            "reports.forecast_backtest",
            "proofs.check",
        ];
        // What is the owners' alone.
        let theirs = verb.name == "secrets.list";
        if !theirs && (verb.method == Method::Get || reads.contains(&verb.name)) {
            assert!([200, 404, 422].contains(&reply.status), "{}: {}", verb.name, reply.json());
            assert_ne!(reply.json()["error"]["code"], "book_not_found");
        } else {
            reply.error(403, "forbidden");
        }
    }
    assert_eq!(server.commits("anna", &book).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_list_gains_the_books_that_it_makes_and_no_other() {
    let server = Server::in_memory().await;
    let there = "01890000-0000-7000-8000-000000000001";
    let book = json!({"id": there, "name": "Home", "currency": "EUR"});
    server.call("anna", "POST", "/books", book.clone()).await.created();
    let token = server.new_token("anna", Books::Listed(BTreeSet::new()));
    let make = |book: &Value| server.request("POST", "/books").token(&token).json(book).send();
    let reads = |id: String| server.request("GET", &format!("/books/{id}")).token(&token).send();
    // Making a book that is there returns it to its owner, but not to a token it is kept from.
    let refused = make(&book).await.error(409, "id_conflict");
    assert_eq!(refused["details"]["id"], there);
    reads(there.to_owned()).await.error(404, "book_not_found");
    // The same answer as for a book of someone else.
    let other = json!({"id": there, "name": "Home", "currency": "EUR"});
    let elsewhere = server.call("ben", "POST", "/books", other).await;
    assert_eq!(elsewhere.error(409, "id_conflict"), refused);

    let made = make(&json!({"name": "Shop", "currency": "EUR"})).await.created();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(reads(id.clone()).await.ok(), made);
    // Now that it is on the list, making it again returns it.
    let mut again = json!({"name": "Shop", "currency": "EUR"});
    again["id"] = id.into();
    assert_eq!(make(&again).await.created(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_reaches_no_book_of_another_token() {
    // Holds: repeating the key and body with which another token of the actor made a book makes a
    // book of one's own, and each token's repeat finds the book that it made itself.
    let server = Server::in_memory().await;
    let book = json!({"name": "Home", "currency": "EUR"});
    let listed = || server.new_token("anna", Books::Listed(BTreeSet::new()));
    let tokens = [server.token("anna"), listed(), listed()];
    let make = |token: &str, book: &Value| {
        let request = server.request("POST", "/books").token(token);
        request.header("Idempotency-Key", "first").json(book).send()
    };
    let mut made = Vec::new();
    for token in &tokens {
        made.push(make(token, &book).await.created());
    }
    for (token, own) in tokens.iter().zip(&made) {
        assert_eq!(make(token, &book).await.created(), *own);
        let other = json!({"name": "Shop", "currency": "EUR"});
        make(token, &other).await.error(422, "idempotency_key_reused");
        let null = json!({"id": null, "name": "Home", "currency": "EUR"});
        assert_eq!(make(token, &null).await.created(), *own);
    }
    for token in &tokens[1..] {
        for (maker, book) in tokens.iter().zip(&made) {
            let path = format!("/books/{}", book["id"].as_str().unwrap());
            let reply = server.request("GET", &path).token(token).send().await;
            assert_eq!(reply.status, if maker == token { 200 } else { 404 });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_owns_cannot_be_sent() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let token = server.token("anna");
    for verb in VERBS.iter().filter(|verb| verb.method != Method::Get && verb.request.is_some()) {
        for owned in ["book_id", "created_at", "deleted", "actor_id", "balance", "version"] {
            let mut request = least_request(verb);
            request[owned] = "x".into();
            let sent = server.request(method(verb), &path(verb, &book, NOWHERE)).token(&token);
            let error = sent.json(&request).send().await.error(422, "invalid_input");
            let field = error["details"]["field"].as_str().unwrap();
            assert!(field.ends_with(owned), "{}: {error}", verb.name);
        }
    }
    assert_eq!(server.commits("anna", &book).await, 1);
}
