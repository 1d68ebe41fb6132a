//! Scenarios: behaviours told as steps in JSON, run word for word in every language.
//!
//! The format is described in `scenarios/README.md`. This is the Rust reading of it, shared by
//! everything that runs the files from Rust: the engine over a store, and the server over HTTP.
//! Only how one call is made differs, and that is the argument of [`run`].

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::api::{self, Call};
use crate::error::{Error, Result as CoreResult};

/// Files of the scenarios' folder that are golden lists, not scenarios.
const GOLDEN_LISTS: [&str; 2] = ["error-codes.json", "verbs.json"];

/// The master keys of the engines that run scenarios.
pub const SECRET_KEYS: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One behaviour, told as steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What is shown, in a few words.
    pub name: String,
    /// What is shown, in a sentence or two.
    pub about: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One call and what must come of it. Every text may refer to what was saved before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// One of the engine's verbs.
    pub verb: String,
    /// Who acts.
    pub actor: String,
    /// The book; absent only for `books.create`.
    pub book: Option<String>,
    /// The id of the object, for verbs that take one.
    pub id: Option<String>,
    /// The request, for verbs that take one.
    pub request: Option<Value>,
    /// Further members of the context.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// A file's text, for `imports.create`.
    pub content: Option<String>,
    /// What the answer must look like; `Some(Null)` when the file says `null`.
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Value>,
    /// The error that must come instead of an answer.
    pub error: Option<StepError>,
    /// Names for parts of the answer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// Keeps `null` apart from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// One call, with everything saved filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct StepCall {
    /// The verb's name.
    pub verb: String,
    /// The book's id as written, which need not be one.
    pub book_id: Option<String>,
    /// The members of a [`Context`](crate::engine::Context), `actor` among them.
    pub context: Map<String, Value>,
    /// The id of the object as written.
    pub id: Option<String>,
    /// The request; a file's content stands in it as Base64.
    pub request: Option<Value>,
}

impl StepCall {
    /// The call as the engine takes it. A book id or context that is none is refused as the
    /// engine refuses it.
    pub fn into_call(self) -> CoreResult<Call> {
        api::read(json!({
            "verb": self.verb,
            "book_id": self.book_id,
            "context": self.context,
            "id": self.id,
            "request": self.request,
        }))
    }
}

/// An error as a scenario sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepError {
    /// The stable code.
    pub code: String,
    /// The lane's name.
    pub lane: String,
    /// The field at fault; where a scenario names none, any will do.
    pub field: Option<String>,
    /// The line at fault; where a scenario names none, any will do.
    pub line: Option<u64>,
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            lane: error.lane().as_str().to_owned(),
            field: error.at_field().map(str::to_owned),
            line: error.at_line(),
        }
    }
}

impl Scenario {
    /// Reads a scenario from a file's text.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Reads all scenarios of a folder, by file name.
    #[allow(clippy::disallowed_methods, reason = "only tests read the folder, and say which")]
    pub fn read_all(folder: &Path) -> Result<BTreeMap<String, Self>, String> {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(|error| at(&error))? {
            let entry = entry.map_err(|error| at(&error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".json") || GOLDEN_LISTS.contains(&name.as_str()) {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).map_err(|error| at(&error))?;
            let scenario = Self::read(&text).map_err(|error| format!("{name}: {error}"))?;
            found.insert(name, scenario);
        }
        if found.is_empty() { Err(at(&"has no scenarios")) } else { Ok(found) }
    }
}

/// Runs a scenario; `caller` makes one call. The error tells which step went wrong, and how.
///
/// ```no_run
/// use fiscaflow_core::api;
/// use fiscaflow_core::conformance::scenarios::{Scenario, StepError, run};
///
/// # async fn example(engine: fiscaflow_core::Engine, text: &str) -> Result<(), String> {
/// let scenario = Scenario::read(text)?;
/// run(&scenario, async |call| {
///     let call = call.into_call()?;
///     api::call(&engine, call).await.map_err(StepError::from)
/// })
/// .await
/// # }
/// ```
pub async fn run<F>(scenario: &Scenario, mut caller: F) -> Result<(), String>
where
    F: AsyncFnMut(StepCall) -> Result<Value, StepError>,
{
    let mut saved = Saved::default();
    for (place, step) in scenario.steps.iter().enumerate() {
        let number = place.saturating_add(1);
        let at = |what: String| format!("{}, step {number} ({}): {what}", scenario.name, step.verb);
        let call = saved.call(step).map_err(at)?;
        let answer = caller(call).await;
        saved.judge(step, answer).map_err(at)?;
    }
    Ok(())
}

/// What was saved so far.
#[derive(Debug, Default)]
struct Saved(BTreeMap<String, Value>);

impl Saved {
    fn call(&self, step: &Step) -> Result<StepCall, String> {
        let text = |text: &str| match self.fill(&Value::from(text))? {
            Value::String(text) => Ok(text),
            other => Err(format!("`{text}` stands for {other}, which is no text")),
        };
        let optional =
            |text_or_none: &Option<String>| text_or_none.as_deref().map(text).transpose();
        let mut request = step.request.as_ref().map(|it| self.fill(it)).transpose()?;
        if let Some(content) = optional(&step.content)? {
            let members = request.get_or_insert_with(|| json!({})).as_object_mut();
            let members = members.ok_or("`content` needs a request that is an object")?;
            members.insert("content".to_owned(), STANDARD.encode(content).into());
        }
        let mut context = Map::new();
        for (name, value) in &step.context {
            context.insert(name.clone(), self.fill(value)?);
        }
        context.insert("actor".to_owned(), text(&step.actor)?.into());
        Ok(StepCall {
            verb: step.verb.clone(),
            book_id: optional(&step.book)?,
            context,
            id: optional(&step.id)?,
            request,
        })
    }

    fn judge(&mut self, step: &Step, answer: Result<Value, StepError>) -> Result<(), String> {
        let answer = match (answer, &step.error) {
            (Ok(_), Some(wanted)) => {
                return Err(format!("answered, but `{}` was to come", wanted.code));
            }
            (Err(error), Some(wanted)) => return judge_error(&error, wanted),
            (Err(error), None) => return Err(format!("refused: {error:?}")),
            (Ok(answer), None) => answer,
        };
        for (name, path) in &step.save {
            let part = part(&answer, path)
                .ok_or_else(|| format!("the answer has no `{path}` to be saved: {answer}"))?;
            self.0.insert(name.clone(), part.clone());
        }
        match &step.expect {
            Some(expect) => matches(&self.fill(expect)?, &answer),
            None => Ok(()),
        }
    }

    /// A value with what was saved in the places of its names.
    fn fill(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(name, it)| Ok((name.clone(), self.fill(it)?)));
                filled.collect::<Result<Map<_, _>, String>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    fn fill_text(&self, text: &str) -> Result<Value, String> {
        if let Some(name) = text.strip_prefix('$').filter(|name| is_name(name)) {
            return self.get(name).cloned();
        }
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, rest)) => {
                    match self.get(name)? {
                        Value::String(text) => filled.push_str(text),
                        other => filled.push_str(&other.to_string()),
                    }
                    filled.push_str(rest);
                }
                // Not a name, such as the end of a regular expression.
                None => {
                    filled.push_str("${");
                    filled.push_str(part);
                }
            }
        }
        Ok(filled.into())
    }

    fn get(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("nothing was saved as `{name}`"))
    }
}

fn is_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(inside)
}

/// The part of a value at a path of member names and list places: `items.0.id`; the empty path is
/// the value itself.
fn part<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn judge_error(error: &StepError, wanted: &StepError) -> Result<(), String> {
    let same = error.code == wanted.code
        && error.lane == wanted.lane
        && (wanted.field.is_none() || wanted.field == error.field)
        && (wanted.line.is_none() || wanted.line == error.line);
    if same { Ok(()) } else { Err(format!("refused with {error:?}, not with {wanted:?}")) }
}

/// Whether an answer looks as expected: objects may have further members, lists may not have
/// further places, `null` stands for absent too. The error names the place that differs.
///
/// ```
/// use fiscaflow_core::conformance::scenarios::matches;
/// use serde_json::json;
///
/// let answer = json!({"id": 7, "tags": ["a", "b"], "payee": null});
/// assert!(matches(&json!({"id": "<any>", "payee": null, "note": null}), &answer).is_ok());
/// assert!(matches(&json!({"tags": {"<contains>": ["b"]}}), &answer).is_ok());
/// assert!(matches(&json!({"tags": {"<length>": 1}}), &answer).is_err());
/// ```
pub fn matches(expect: &Value, answer: &Value) -> Result<(), String> {
    compare(expect, answer, "")
}

fn compare(expect: &Value, answer: &Value, path: &str) -> Result<(), String> {
    let differs = || {
        let place = if path.is_empty() { "the answer" } else { path };
        Err(format!("{place} is {answer}, not {expect}"))
    };
    match expect {
        Value::String(text) if text == "<any>" => {
            if answer.is_null() {
                differs()
            } else {
                Ok(())
            }
        }
        Value::Object(members) => {
            if let Some(length) = only_member(members, "<length>") {
                let found = answer.as_array().map(|items| items.len() as u64);
                return if found.is_some() && found == length.as_u64() {
                    Ok(())
                } else {
                    differs()
                };
            }
            if let Some(wanted) = only_member(members, "<contains>") {
                return contains(wanted, answer).or_else(|()| differs());
            }
            let Some(found) = answer.as_object() else { return differs() };
            members.iter().try_for_each(|(name, expect)| {
                let answer = found.get(name).unwrap_or(&Value::Null);
                compare(expect, answer, &join(path, name))
            })
        }
        Value::Array(items) => {
            let Some(found) = answer.as_array().filter(|found| found.len() == items.len()) else {
                return differs();
            };
            let mut pairs = items.iter().zip(found).enumerate();
            pairs.try_for_each(|(place, (expect, answer))| {
                compare(expect, answer, &join(path, &place.to_string()))
            })
        }
        other if other == answer => Ok(()),
        _ => differs(),
    }
}

/// The one member of an object that stands for something else.
fn only_member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|_| members.len() == 1)
}

fn contains(wanted: &Value, answer: &Value) -> Result<(), ()> {
    let (Some(wanted), Some(found)) = (wanted.as_array(), answer.as_array()) else {
        return Err(());
    };
    let is_there = |wanted: &Value| found.iter().any(|item| matches(wanted, item).is_ok());
    if wanted.iter().all(is_there) { Ok(()) } else { Err(()) }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_one(steps: Value, mut caller: impl FnMut(StepCall) -> Result<Value, StepError>) {
        let text = json!({"name": "n", "about": "a", "steps": steps}).to_string();
        let scenario = Scenario::read(&text).unwrap();
        futures::executor::block_on(run(&scenario, async |call| caller(call))).unwrap();
    }

    #[test]
    fn what_was_saved_stands_in_later_steps() {
        let mut calls = Vec::new();
        let steps = json!([
            {"verb": "a.b", "actor": "anna", "save": {"book": "id", "n": "list.1.n"},
             "expect": {"id": "$book"}},
            {"verb": "a.c", "actor": "anna", "book": "$book", "content": "<${n}>",
             "request": {"n": "$n", "pattern": "x{1,2}$", "text": "n=${n}"},
             "context": {"reason": "because"}, "expect": null},
        ]);
        run_one(steps, |call| {
            calls.push(call.clone());
            match call.verb.as_str() {
                "a.b" => Ok(json!({"id": "B", "list": [{}, {"n": 3}]})),
                _ => Ok(Value::Null),
            }
        });
        let last = calls.pop().unwrap();
        assert_eq!(last.book_id.as_deref(), Some("B"));
        assert_eq!(Value::from(last.context), json!({"actor": "anna", "reason": "because"}));
        let content = STANDARD.encode("<3>");
        let request = json!({"n": 3, "pattern": "x{1,2}$", "text": "n=3", "content": content});
        assert_eq!(last.request, Some(request));
    }

    #[test]
    fn an_error_is_compared_as_far_as_it_is_named() {
        let error = |code: &str| StepError {
            code: code.to_owned(),
            lane: "rejected".to_owned(),
            field: Some("name".to_owned()),
            line: None,
        };
        let wanted = json!({"code": "name_taken", "lane": "rejected"});
        let steps = json!([{"verb": "a.b", "actor": "anna", "error": wanted}]);
        run_one(steps, |_| Err(error("name_taken")));
        assert!(judge_error(&error("id_conflict"), &error("name_taken")).is_err());
        let other_field = StepError { field: Some("id".to_owned()), ..error("name_taken") };
        assert!(judge_error(&error("name_taken"), &other_field).is_err());
    }

    #[test]
    fn every_difference_is_found_and_named() {
        let answer = json!({"a": {"b": [1, {"c": "x"}]}, "n": null});
        for right in [
            json!({}),
            json!({"n": null, "m": null}),
            json!({"a": {"b": [1, {"c": "x"}]}}),
            json!({"a": {"b": {"<contains>": [{"c": "x"}, 1]}}}),
            json!({"a": "<any>"}),
        ] {
            assert_eq!(matches(&right, &answer), Ok(()));
        }
        for (wrong, place) in [
            (json!({"a": {"b": [1]}}), "a.b"),
            (json!({"a": {"b": [1, {"c": "y"}]}}), "a.b.1.c"),
            (json!({"a": null}), "a"),
            (json!({"n": "<any>"}), "n"),
            (json!({"m": 1}), "m"),
            (json!({"a": {"b": {"<length>": 3}}}), "a.b"),
            (json!({"a": {"b": {"<contains>": [2]}}}), "a.b"),
            (json!([]), "the answer"),
        ] {
            let said = matches(&wrong, &answer).unwrap_err();
            assert!(said.starts_with(&format!("{place} is ")), "{said}");
        }
    }
}
