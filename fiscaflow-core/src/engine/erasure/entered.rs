//! What a member entered, found by going through the history once, oldest first.
//!
//! A text counts as entered by whoever's commit first put it into a field of an object, unless the
//! commit only brings what stands elsewhere: a file, a rule, an undo, another transaction. It is
//! followed through what others make of the object, by its value. Names of payees and texts of
//! rules are followed into transactions, where others may have brought them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::log::{
    Authorship, ChangeTexts, NumberedText, OF_BOOK, OF_MEMBER, RESTATE, SealedTexts, each_text,
};
use crate::model::ActorId;

/// The verbs whose commits bring texts that stand elsewhere already.
const BRINGING: [&str; 8] = [
    RESTATE,
    "exports.restore",
    "imports.undo",
    "rules.apply",
    "suggestions.apply",
    "transactions.merge",
    OF_BOOK,
    OF_MEMBER,
];
/// The verb of imports: of its texts only the file's name is the member's.
const IMPORT: &str = "imports.create";
/// The verb that carries texts from one transaction to another.
const MERGE: &str = "transactions.merge";

/// The personal fields of transactions and documents.
const FIELDS: [&str; 20] = [
    "actions",
    "aliases",
    "attachments",
    "bank_id",
    "bank_ids",
    "condition",
    "csv",
    "description",
    "external_id",
    "file_name",
    "fingerprints",
    "learning",
    "metadata",
    "name",
    "notes",
    "number",
    "payee",
    "reference",
    "split_notes",
    "tags",
];

/// What of a seal's records is about no object: names and notes that are followed into others.
const FOLLOWED: &str = "followed";
const NAMES: &str = "names";
const NOTES: &str = "notes";

/// Kind and key.
pub(super) type Name = (String, String);

/// What one member entered, as far as the history was read.
#[derive(Default)]
pub(super) struct Entered {
    /// By object: fields and texts.
    objects: HashMap<Name, HashSet<(String, String)>>,
    /// By object: the fields into which something was entered that went with another erasure.
    lost: HashMap<Name, HashSet<&'static str>>,
    /// Names of payees, and what rules give to payees, tags and metadata.
    names: HashSet<String>,
    /// What rules write into notes.
    notes: HashSet<String>,
    /// The objects that hold something of it in their newest image.
    pub(super) live: HashSet<Name>,
}

/// Whether a commit can enter a text into a field of what it changes.
fn can_enter(action: &str, change: &ChangeTexts, field: &str) -> bool {
    let of_bank = ["description", "external_id", "bank_ids", "fingerprints"];
    match (action, change.kind.as_str()) {
        // Who names another member writes that one's text.
        (_, "member") => false,
        (IMPORT, kind) => kind == "import" && field == "file_name",
        (action, _) if BRINGING.contains(&action) || action.starts_with("history.") => false,
        (_, "transaction") => change.is_new || !of_bank.contains(&field),
        _ => true,
    }
}

/// The fields and texts that a commit of a member entered with a change.
pub(super) fn entered(action: &str, change: &ChangeTexts) -> Vec<(String, String)> {
    let Some(after) = &change.after else { return Vec::new() };
    let before = change.before.as_ref().map(|text| &text.value);
    let mut found = Vec::new();
    for (field, value) in &after.value {
        if !can_enter(action, change, field) {
            continue;
        }
        let mut had = HashSet::new();
        let former = before.and_then(|members| members.get(field)).unwrap_or(&Value::Null);
        had.extend(texts_of(field, former));
        let texts = texts_of(field, value).into_iter().filter(|text| had.insert(text.clone()));
        found.extend(texts.map(|text| (field.clone(), text)));
    }
    found
}

/// The fields and texts that a seal tells a member to have entered into an object.
pub(super) fn entered_sealed(record: &SealedTexts) -> Vec<(String, String)> {
    let text = record.text.as_ref().filter(|_| record.kind != FOLLOWED);
    let fields = text.into_iter().flat_map(|text| &text.value);
    let all = fields.flat_map(|(field, value)| {
        texts_of("", value).into_iter().map(move |text| (field.clone(), text))
    });
    all.collect()
}

impl Entered {
    /// Takes note of what a commit of the member entered. Where that went with another erasure, it
    /// may be anything that the commit could enter.
    pub(super) fn learn(&mut self, action: &str, change: &ChangeTexts) {
        let name = (change.kind.clone(), change.key.clone());
        if change.lost {
            let fields = FIELDS.iter().copied().filter(|field| can_enter(action, change, field));
            let fields: HashSet<_> = fields.collect();
            if !fields.is_empty() {
                self.lost.entry(name).or_default().extend(fields);
            }
            return;
        }
        let found = entered(action, change);
        if !found.is_empty() {
            self.follow(&change.kind, change.after.as_ref());
            self.objects.entry(name).or_default().extend(found);
        }
    }

    /// Takes note of what a seal tells that the member entered in commits that are sealed.
    pub(super) fn learn_sealed(&mut self, record: &SealedTexts) {
        let name = (record.kind.clone(), record.key.clone());
        let Some(text) = &record.text else {
            if record.kind != FOLLOWED {
                self.lost.entry(name).or_default().extend(FIELDS);
            }
            return;
        };
        if record.kind == FOLLOWED {
            let of = |field| texts_of("", text.value.get(field).unwrap_or(&Value::Null));
            self.names.extend(of(NAMES));
            self.notes.extend(of(NOTES));
        } else {
            self.objects.entry(name).or_default().extend(entered_sealed(record));
        }
    }

    /// Adds to what is kept of this, when it is sealed, what stands in an image that is not.
    pub(super) fn keep(&self, kept: &mut Self, name: &Name, image: &NumberedText) {
        for (field, value) in &image.value {
            each_text(field, value, &mut |text| {
                let is_note = matches!(field.as_str(), "notes" | "split_notes");
                for (of, part) in self.objects.get(name).into_iter().flatten() {
                    if of == field && (part == text || is_note && text.contains(&**part)) {
                        let entry = (field.clone(), part.clone());
                        kept.objects.entry(name.clone()).or_default().insert(entry);
                    }
                }
                if self.names.contains(text) {
                    kept.names.insert(text.to_owned());
                }
                let parts = self.notes.iter().filter(|part| is_note && text.contains(&***part));
                kept.notes.extend(parts.cloned());
            });
        }
    }

    /// What a seal keeps of this.
    pub(super) fn records(&self, by: &ActorId) -> Vec<Authorship> {
        let mut records = Vec::new();
        let mut add = |name: Name, texts: BTreeMap<String, BTreeSet<String>>| {
            if !texts.is_empty() {
                records.push(Authorship { by: by.clone(), name, texts });
            }
        };
        let names: BTreeSet<&Name> = self.objects.keys().collect();
        for name in names {
            let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (field, text) in self.objects.get(name).into_iter().flatten() {
                texts.entry(field.clone()).or_default().insert(text.clone());
            }
            add(name.clone(), texts);
        }
        let followed = [(NAMES, &self.names), (NOTES, &self.notes)];
        let followed = followed.into_iter().filter(|(_, texts)| !texts.is_empty());
        let texts =
            followed.map(|(name, texts)| (name.to_owned(), texts.iter().cloned().collect()));
        add((FOLLOWED.to_owned(), String::new()), texts.collect());
        records
    }

    /// Whether what a seal tells of others holds something that the member entered.
    pub(super) fn is_in_record(&self, record: &SealedTexts) -> bool {
        let name = (record.kind.clone(), record.key.clone());
        let Some(text) = &record.text else { return false };
        if record.kind != FOLLOWED {
            return self.is_in(&name, text);
        }
        text.holds(|_, text| {
            self.names.contains(text) || self.notes.iter().any(|part| text.contains(&**part))
        })
    }

    /// Takes note of what others may carry from a payee or rule into transactions.
    fn follow(&mut self, kind: &str, image: Option<&NumberedText>) {
        let Some(image) = image else { return };
        match kind {
            "payee" => {
                let name = image.value.get("name").and_then(Value::as_str);
                self.names.extend(name.map(str::to_owned));
            }
            "rule" => self.learn_actions(image.value.get("actions").unwrap_or(&Value::Null)),
            _ => {}
        }
    }

    /// Takes note of what a rule may give to transactions.
    fn learn_actions(&mut self, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.learn_actions(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "payee" | "tag" | "tags" | "reason" => {
                            self.names.extend(texts_of(name, value));
                        }
                        "notes" => {
                            let texts = texts_of(name, value);
                            self.notes.extend(texts.iter().filter_map(|it| literal(it)));
                        }
                        _ => self.learn_actions(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes note of what a commit, whoever made it, carried from one object to another; and of
    /// what may have been entered where that was lost: all that stands there when it is seen again.
    pub(super) fn carry(&mut self, action: &str, changes: &[ChangeTexts]) {
        for change in changes.iter().filter(|change| !change.lost) {
            let name = (change.kind.clone(), change.key.clone());
            let before = change.before.as_ref().filter(|it| it.holds(|_, _| true));
            let Some(image) = before.or(change.after.as_ref()) else { continue };
            let Some(fields) = self.lost.remove(&name) else { continue };
            let texts = self.objects.entry(name).or_default();
            for (field, value) in image.value.iter().filter(|it| fields.contains(it.0.as_str())) {
                texts.extend(texts_of(field, value).into_iter().map(|it| (field.clone(), it)));
            }
            self.follow(&change.kind, Some(image));
        }
        if action != MERGE {
            return;
        }
        let names = || changes.iter().map(|change| (change.kind.clone(), change.key.clone()));
        let all: HashSet<_> =
            names().filter_map(|name| self.objects.get(&name)).flatten().cloned().collect();
        if !all.is_empty() {
            names().for_each(|name| drop(self.objects.insert(name, all.clone())));
        }
    }

    /// Whether a text in a field of an object was entered by the member.
    pub(super) fn is_entered(&self, name: &Name, field: &str, text: &str) -> bool {
        let is_note = matches!(field, "notes" | "split_notes");
        let here = self.objects.get(name).is_some_and(|texts| {
            // Others write before and after what stands in notes.
            let holds = |(of, part): &(String, String)| of == field && text.contains(&**part);
            texts.contains(&(field.to_owned(), text.to_owned()))
                || (is_note && texts.iter().any(holds))
        });
        here || match (name.0.as_str(), field) {
            ("transaction", "payee" | "tags" | "metadata") | ("payee", "name" | "aliases") => {
                self.names.contains(text)
            }
            ("transaction", _) if is_note => {
                self.notes.iter().any(|part| text.contains(part.as_str()))
            }
            _ => false,
        }
    }

    /// Whether an image of an object holds something that the member entered.
    pub(super) fn is_in(&self, name: &Name, texts: &NumberedText) -> bool {
        let is_followed = matches!(name.0.as_str(), "transaction" | "payee")
            && !(self.names.is_empty() && self.notes.is_empty());
        (is_followed || self.objects.contains_key(name))
            && texts.holds(|field, text| self.is_entered(name, field, text))
    }
}

fn texts_of(field: &str, value: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    each_text(field, value, &mut |text| texts.push(text.to_owned()));
    texts
}

/// The longest part of a note's pattern that stands in the note as it is: `$1` and the like stand
/// for what an expression matched.
fn literal(pattern: &str) -> Option<String> {
    let parts = pattern.split('$').enumerate().map(|(place, part)| match place {
        0 => part,
        _ => part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "{}_".contains(c)),
    });
    let longest = parts.max_by_key(|part| part.len())?.trim();
    (!longest.is_empty()).then(|| longest.to_owned())
}
