//! What a book says when it is asked, and that it says the same of the past.

use fiscaflow_core::engine::Point;
use serde_json::{Value, json};

use super::{Request, World, cases};
use crate::chance::Chance;
use crate::log;

/// Questions of every kind: lists with filters and pages, single objects, figures, history.
pub fn questions(chance: &mut Chance) -> Vec<Request> {
    let ask = |verb, request| Request { verb, id: None, request };
    let mut questions = vec![
        ask("books.get", json!({})),
        ask("members.list", json!({})),
        ask("accounts.list", json!({})),
        ask("categories.list", json!({})),
        ask("rules.list", json!({})),
        ask("imports.list", json!({})),
        ask("envelopes.list", json!({})),
        ask("schedules.list", json!({})),
        ask("transactions.list", json!({"limit": 2})),
        ask("transactions.list", json!({"deleted": true})),
        ask("transactions.list", json!({"uncategorised": true, "from": "2024-02-01"})),
        ask("transactions.list", json!({"text": "text 1"})),
        ask("reports.balances", json!({})),
        ask("reports.spending", json!({"from": "2024-01", "to": "2024-03"})),
        ask("budgets.state", json!({})),
        ask("goals.progress", json!({})),
        ask("envelopes.state", json!({"month": "2024-02"})),
        ask("exports.create", json!({"format": "json"})),
        ask("history.list", json!({})),
        ask("history.verify", json!({})),
        ask("events.list", json!({})),
    ];
    let id = Some(format!("01890000-0000-7000-8000-{:012x}", 1 + chance.random.below(12)));
    questions.push(Request { verb: "transactions.get", id: id.clone(), request: json!({}) });
    questions.push(Request { verb: "history.object", id, request: json!({}) });
    questions
}

async fn answers(world: &World, questions: &[Request], as_of: Option<Point>) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in questions {
        // Asking moves no clock.
        let answer = world.ask(question, as_of).await;
        answers.push(answer.unwrap_or_else(|error| json!(error.code().as_str())));
    }
    answers
}

/// Of random histories every question is answered as of a point as it was answered then, whether
/// the point is named by number, hash or time, and whether it is near the present or the beginning.
pub async fn past_is_present(world: &World, seed: u64) {
    let mut chance = Chance::new(seed, true);
    let mut requests = chance.first();
    requests.extend((0..25).map(|_| chance.next()));
    let mut told = Vec::new();
    for request in &requests {
        let before = world.seq().await;
        let _ = world.run(request).await;
        if chance.random.one_in(6) {
            let seq = 1 + chance.random.below(usize::try_from(world.seq().await).unwrap());
            let _ = world.undo(u64::try_from(seq).unwrap(), chance.random.one_in(3)).await;
        }
        // What depends on today is told as of the commit: no time may have passed since.
        if world.seq().await > before && world.is_new().await && chance.random.one_in(3) {
            let questions = questions(&mut chance);
            let answers = answers(world, &questions, None).await;
            told.push((world.seq().await, questions, answers));
        }
    }
    let history = world.store.commits(world.book_id, 0, u32::MAX).await.unwrap();
    for (seq, questions, then) in &told {
        let commit = &history[usize::try_from(*seq).unwrap() - 1];
        let at = commit.entry().unwrap().at;
        let later = chrono::TimeDelta::seconds(30);
        for point in [Point::Seq(*seq), Point::Hash(commit.hash), Point::Time(at + later)] {
            let now = answers(world, questions, Some(point)).await;
            for ((question, then), now) in questions.iter().zip(then).zip(&now) {
                assert_eq!(now, then, "seed {seed}, {} as of {point}", question.verb);
            }
        }
    }
}

#[tokio::test]
async fn the_past_is_told_as_it_was_told_then() {
    for seed in 0..cases(15, 2_000) {
        let store = std::sync::Arc::new(fiscaflow_store::MemoryStore::new());
        past_is_present(&World::new(store, seed).await, u64::from(seed)).await;
    }
}

/// Two points differ as the states do that the history makes at them, in pages of any size.
#[tokio::test]
async fn points_differ_as_their_states_do() {
    for seed in 0..cases(60, 2_000) {
        let store = std::sync::Arc::new(fiscaflow_store::MemoryStore::new());
        let world = World::new(store, seed).await;
        let mut chance = Chance::new(u64::from(seed), true);
        let mut requests = chance.first();
        requests.extend((0..20).map(|_| chance.next()));
        for request in &requests {
            let _ = world.run(request).await;
        }
        let commits = log::read(&*world.store, world.book_id).await;
        let any = |chance: &mut Chance| 1 + chance.random.below(commits.len());
        let (from, to) = (any(&mut chance), any(&mut chance));
        let (before, after) = (log::fold(&commits[..from]), log::fold(&commits[..to]));
        let mut expected: Vec<(String, String)> = Vec::new();
        let mut keys: Vec<&log::Key> = before.keys().chain(after.keys()).collect();
        keys.sort();
        keys.dedup();
        expected.extend(keys.into_iter().filter(|it| before.get(it) != after.get(it)).cloned());
        for limit in [1, 3, 500] {
            let mut found = Vec::new();
            let mut cursor = Value::Null;
            loop {
                let request = json!({"from": from.to_string(), "to": to.to_string(),
                    "limit": limit, "cursor": cursor});
                let question = Request { verb: "history.compare", id: None, request };
                let page = world.ask(&question, None).await.unwrap();
                let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
                let items = page["items"].as_array().unwrap().iter();
                found.extend(items.map(|it| (text(it, "kind"), text(it, "id"))));
                cursor = page["next_cursor"].clone();
                if cursor.is_null() {
                    break;
                }
            }
            assert_eq!(found, expected, "seed {seed}: {from} to {to}, {limit} a page");
        }
    }
}
