//! What a book knows of a member.

use std::path::Path;
use std::sync::Arc;

use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::{Home, member};

/// Ids, times and hashes are other ones in each run.
fn plain(value: &mut Value, known: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| plain(value, known)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| match name.as_str() {
                "at" => *value = "<time>".into(),
                _ => plain(value, known),
            })
        }
        Value::String(text) if text.len() == 36 && uuid::Uuid::parse_str(text).is_ok() => {
            let place = known.iter().position(|it| it == text).unwrap_or_else(|| {
                known.push(text.clone());
                known.len() - 1
            });
            *text = format!("<id {place}>");
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_data_of_a_member_is_whole() {
    // Holds: the shape that a member's data have, and that what was erased is in them no more.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.sing(1).await;
    let one = member(1);
    let mut data = home.owner("members.personal_data", Some(&one), Value::Null).await;
    plain(&mut data, &mut Vec::new());
    let golden = serde_json::to_string_pretty(&data).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/personal_data.json");
    if std::env::var_os("FISCAFLOW_BLESS").is_some() {
        std::fs::write(&path, &golden).unwrap();
    }
    assert_eq!(golden, std::fs::read_to_string(&path).unwrap());
    home.owner("members.erase", Some(&one), json!({"entered_texts": true})).await;
    let data = home.owner("members.personal_data", Some(&one), Value::Null).await;
    assert!(!data.to_string().contains("canary001bird"), "{data}");
    assert_eq!(data["texts"], json!([]));
}
