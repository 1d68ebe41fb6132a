//! Questions in words, against a vendor that speaks the documented formats.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::outside::{Does, Vendor};
use crate::support::Server;

/// A good body of an API around the sentence that the model says.
fn said(api: &str, sentence: &Value) -> Does {
    let said = json!({"sentence": sentence});
    Does::Answers(
        200,
        match api {
            "openai" => json!({
                "choices": [{
                    "index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": said.to_string()},
                }],
                "usage": {"prompt_tokens": 400, "completion_tokens": 30},
            }),
            _ => json!({
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "report_of_question", "input": said},
                ],
                "stop_reason": "tool_use",
                "usage": {"input_tokens": 400, "output_tokens": 30},
            }),
        },
    )
}

/// Holds: the question goes to the vendor with the language and the names, nothing else of the book
/// does; a sentence that cannot be read goes back once with the reason; the answer shows what ran.
#[tokio::test]
async fn a_question_becomes_a_report_that_is_shown() {
    for api in ["openai", "anthropic"] {
        let good = "spending by category from 2026-03-01 to 2026-03-31 where account is \"Giro\"";
        let turns = [said(api, &json!("spend all by mood")), said(api, &json!(good))];
        let vendor = Vendor::start(turns).await;
        let model = Arc::new(vendor.model(api));
        let server = Server::asking(Arc::clone(&model) as _).await;
        let book = server.book("anna").await;
        let account = server.account("anna", &book, "Giro").await;
        let path = |rest: &str| format!("/books/{book}/{rest}");
        server.call("anna", "POST", &path("categories"), json!({"name": "Food"})).await.created();
        let new = json!({"account_id": account, "booking_date": "2026-03-01", "amount": "-9.50",
            "payee": "Xylothek", "description": "CARD 4711"});
        server.call("anna", "POST", &path("transactions"), new).await.created();
        let request = json!({"question": "What did I spend in March?", "as_of": "2026-04-02"});
        let told = server.call("anna", "POST", &path("reports/ask"), request).await.json();
        let told = &told["data"];
        assert_eq!(told["text"], good);
        assert_eq!(told["report"]["by"], json!(["category"]));
        assert_eq!(told["rows"][0]["total"], json!({"value": "9.50", "currency": "EUR"}));
        let calls = vendor.bodies();
        let messages: Vec<String> = calls.iter().map(|body| message(api, body)).collect();
        let asked = "{\"today\":\"2026-04-02\",\"accounts\":[\"Giro\"],\"categories\":[\"Food\"],\
            \"question\":\"What did I spend in March?\"";
        assert_eq!(messages[0], format!("{asked}}}"));
        assert_eq!(
            messages[1],
            format!(
                "{asked},\"refused\":{{\"sentence\":\"spend all by mood\",\
                 \"why\":\"expected `spending`, `income`, `net` or `movement` at character 1\"}}}}"
            )
        );
        for body in &calls {
            let body = body.to_string();
            assert!(body.contains("A report is one sentence."), "{body}");
            for private in ["Xylothek", "4711", "9.50", "anna", &book] {
                assert!(!body.contains(private), "{private}: {body}");
            }
        }
        let status = fiscaflow_server::state::Helper::status(&*model);
        assert_eq!((&status["calls"], &status["questions"]), (&json!(2), &json!(2)));
    }
}

fn message(api: &str, body: &Value) -> String {
    let place = if api == "openai" { 1 } else { 0 };
    body["messages"][place]["content"].as_str().unwrap().to_owned()
}

/// Holds: what cannot be said, or is said wrongly twice, is an error of the question; a vendor that
/// says another thing is one that does not answer; and nothing is asked for nothing.
#[tokio::test]
async fn a_question_that_becomes_no_report_is_named() {
    let table = [
        (vec![said("openai", &Value::Null)], "question", 422, "invalid_input"),
        (
            vec![said("openai", &json!("a")), said("openai", &json!("b"))],
            "question",
            422,
            "invalid_input",
        ),
        (vec![said("openai", &json!(7))], "", 503, "suggester_unavailable"),
        (vec![said("openai", &json!("net by day, month"))], "by", 422, "invalid_input"),
    ];
    for (turns, field, status, code) in table {
        let calls = turns.len();
        let vendor = Vendor::start(turns).await;
        let server = Server::asking(Arc::new(vendor.model("openai")) as _).await;
        let book = server.book("anna").await;
        let path = format!("/books/{book}/reports/ask");
        let request = json!({"question": "What is left?"});
        let error = server.call("anna", "POST", &path, request).await.error(status, code);
        if !field.is_empty() {
            assert_eq!(error["details"]["field"], field);
        }
        assert_eq!(vendor.calls(), calls);
        for question in ["", "  ", &"?".repeat(1_001)] {
            let request = json!({"question": question});
            let reply = server.call("anna", "POST", &path, request).await;
            assert!(reply.json()["error"]["details"]["field"] == "question", "{}", reply.json());
        }
        assert_eq!(vendor.calls(), calls);
    }
}
