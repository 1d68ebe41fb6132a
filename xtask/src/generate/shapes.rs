//! What the engine offers, without the words of OpenAPI: nouns with their verbs, and the shapes
//! that go in and come out. The generators of types for Python and TypeScript start from here.

use std::collections::{BTreeMap, BTreeSet};

use fiscaflow_core::api::{Method, NOUNS, VERBS, schemas};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema};

use crate::shell::Outcome;

/// The shape of what is heard of a verb's progress.
pub const PROGRESS: &str = "ImportProgress";

/// Everything that crosses a boundary.
#[derive(Debug)]
pub struct Surface {
    /// The nouns in the order of the table of verbs.
    pub nouns: Vec<Noun>,
    /// The members of a call's context.
    pub context: Vec<Field>,
    /// All shapes but the requests themselves, by name.
    pub shapes: BTreeMap<String, Shape>,
    /// The requests themselves, by name.
    pub requests: BTreeMap<String, Shape>,
}

/// A noun, such as `accounts`.
#[derive(Debug)]
pub struct Noun {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in one sentence.
    pub about: &'static str,
    /// Its verbs.
    pub verbs: Vec<Verb>,
}

/// A verb, such as `create`.
#[derive(Debug)]
pub struct Verb {
    /// Its name without the noun.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Whether it is about one book; otherwise about books as such.
    pub in_book: bool,
    /// Whether it takes the id of an object.
    pub takes_id: bool,
    /// The request's members, in their order; none where it takes no request.
    pub request: Vec<Field>,
    /// The request's name, where it takes one.
    pub request_name: Option<&'static str>,
    /// Whether a call may leave the request out: it reads, and nothing has to be said.
    pub request_optional: bool,
    /// The answer's type, where it gives one.
    pub answer: Option<Type>,
    /// Whether its progress can be heard of.
    pub observed: bool,
}

/// A shape with a name.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What it is.
    pub about: String,
    /// How it is made.
    pub kind: Kind,
    /// Whether it is part of a request.
    pub asked: bool,
    /// Whether it is, or is part of, an answer. An answer has all members of its shapes: those
    /// that are optional may be null.
    pub answered: bool,
}

/// How a shape is made.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Members with names.
    Record(Vec<Field>),
    /// One of some strings.
    Choice(Vec<String>),
    /// One of some records, told apart by the string in the member `tag`.
    Union {
        /// The member.
        tag: String,
        /// The records.
        variants: Vec<Variant>,
    },
    /// A string.
    Text(Format),
}

/// One record of a union.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The string in the member that tells the records apart.
    pub tag: String,
    /// What it is.
    pub about: String,
    /// Its other members.
    pub fields: Vec<Field>,
}

/// A member of a record.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds; the lines of a text, without breaks inside its sentences.
    pub about: String,
    /// Its type, null apart.
    pub ty: Type,
    /// Whether a request may leave it out.
    pub optional: bool,
    /// Whether it may be null, which means the same as leaving it out.
    pub nullable: bool,
}

impl Field {
    /// Whether a record of a language without members that can be left out holds nothing for it:
    /// it may be null, or no empty value means the same as leaving it out.
    pub fn may_be_nothing(&self) -> bool {
        self.nullable || (self.optional && matches!(self.ty, Type::Integer | Type::Shape(_)))
    }
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A string.
    Text(Format),
    /// An integer.
    Integer,
    /// True or false.
    Boolean,
    /// A list.
    List(Box<Type>),
    /// An object with members of one type, whatever they are called.
    Map(Box<Type>),
    /// One of the shapes, by its name.
    Shape(String),
}

/// What a string holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Anything.
    Plain,
    /// A UUID.
    Uuid,
    /// A decimal number.
    Decimal,
    /// A civil date, `YYYY-MM-DD`.
    Date,
    /// An instant in RFC 3339.
    Instant,
    /// Bytes in Base64.
    Bytes,
    /// A form with a name of its own, such as `month`.
    Other(String),
}

impl Surface {
    /// What the engine offers now.
    pub fn now() -> Outcome<Self> {
        let schemas = schemas();
        let mut shapes = BTreeMap::new();
        for (name, schema) in &schemas {
            shapes.insert(name.clone(), shape(schema).map_err(|e| format!("{name}: {e}"))?);
        }
        let nouns = NOUNS.iter().map(|noun| noun_of(noun, &shapes)).collect::<Outcome<Vec<_>>>()?;
        let names = nouns.iter().flat_map(|noun| &noun.verbs).filter_map(|verb| verb.request_name);
        let named = |name: &str| Some((name.to_owned(), shapes.get(name)?.clone()));
        let requests = names.filter_map(named).collect();
        let mut context = shapes.remove("Context");
        let context = context.as_mut().and_then(Shape::take_fields).ok_or("no `Context`")?;
        let mut surface = Self { nouns, context, shapes, requests };
        surface.mark();
        surface.shapes.retain(|_, shape| shape.asked || shape.answered);
        Ok(surface)
    }

    /// The nouns that hang on a book.
    pub fn book_nouns(&self) -> impl Iterator<Item = &Noun> {
        self.nouns.iter().filter(|noun| noun.verbs.iter().all(|verb| verb.in_book))
    }

    /// Finds out which shapes are part of requests and which of answers.
    fn mark(&mut self) {
        let verbs = || self.nouns.iter().flat_map(|noun| &noun.verbs);
        let asked = verbs().flat_map(|verb| &verb.request).chain(&self.context);
        let asked = self.reached(asked.map(|field| &field.ty));
        let progress = Type::Shape(PROGRESS.to_owned());
        let progress = verbs().any(|verb| verb.observed).then_some(&progress);
        let answers = verbs().filter_map(|verb| verb.answer.as_ref());
        let answered = self.reached(answers.chain(progress));
        for (name, shape) in &mut self.shapes {
            shape.asked = asked.contains(name);
            shape.answered = answered.contains(name);
        }
    }

    /// The names of all shapes that these types lead to.
    fn reached<'a>(&'a self, types: impl Iterator<Item = &'a Type>) -> BTreeSet<String> {
        let mut open: Vec<&str> = types.filter_map(Type::shape).collect();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if found.insert(name.to_owned())
                && let Some(shape) = self.shapes.get(name)
            {
                open.extend(shape.fields().filter_map(|field| field.ty.shape()));
            }
        }
        found
    }
}

impl Shape {
    /// The members of a record, or of all records of a union.
    pub fn fields(&self) -> Box<dyn Iterator<Item = &Field> + '_> {
        match &self.kind {
            Kind::Record(fields) => Box::new(fields.iter()),
            Kind::Union { variants, .. } => Box::new(variants.iter().flat_map(|v| &v.fields)),
            Kind::Choice(_) | Kind::Text(_) => Box::new(std::iter::empty()),
        }
    }

    /// The first paragraph of what it is; what follows speaks of Rust.
    pub fn summary(&self) -> &str {
        self.about.split("\n\n").next().unwrap_or(&self.about)
    }

    fn take_fields(&mut self) -> Option<Vec<Field>> {
        match &mut self.kind {
            Kind::Record(fields) => Some(std::mem::take(fields)),
            Kind::Choice(_) | Kind::Union { .. } | Kind::Text(_) => None,
        }
    }
}

impl Type {
    /// The shape that it names, itself or as part of a list or map.
    pub fn shape(&self) -> Option<&str> {
        match self {
            Self::Shape(name) => Some(name),
            Self::List(part) | Self::Map(part) => part.shape(),
            Self::Text(_) | Self::Integer | Self::Boolean => None,
        }
    }
}

fn noun_of(noun: &fiscaflow_core::api::Noun, shapes: &BTreeMap<String, Shape>) -> Outcome<Noun> {
    let verbs = VERBS.iter().filter_map(|verb| {
        let (before, name) = verb.name.split_once('.')?;
        (before == noun.name).then_some((verb, name))
    });
    let verbs = verbs.map(|(verb, name)| {
        let request = match verb.request {
            None => Vec::new(),
            Some(request) => {
                let shape = shapes.get(request.name).filter(|_| !request.list);
                let Some(Kind::Record(fields)) = shape.map(|shape| &shape.kind) else {
                    return Err(format!("the request of {} is no record", verb.name));
                };
                fields.clone()
            }
        };
        let answer = verb.answer.map(|answer| {
            let one = Type::Shape(answer.name.to_owned());
            if answer.list { Type::List(Box::new(one)) } else { one }
        });
        let request_name = verb.request.map(|request| request.name);
        let (about, takes_id, observed) = (verb.summary, verb.takes_id, verb.observed);
        let in_book = verb.path.contains("{book_id}");
        let reads = verb.method == Method::Get;
        let request_optional = reads && request.iter().all(|field| field.optional);
        Ok(Verb {
            name,
            about,
            in_book,
            takes_id,
            request,
            request_name,
            request_optional,
            answer,
            observed,
        })
    });
    let verbs = verbs.collect::<Outcome<_>>()?;
    Ok(Noun { name: noun.name, about: noun.summary, verbs })
}

fn shape(schema: &RefOr<Schema>) -> Outcome<Shape> {
    let (about, kind) = match schema {
        RefOr::T(Schema::Object(object)) => (&object.description, object_kind(object)?),
        RefOr::T(Schema::OneOf(one)) => (&one.description, union(&one.items)?),
        _ => return Err("neither an object, a string nor a union".to_owned()),
    };
    let about = about.as_deref().map(unbroken).unwrap_or_default();
    Ok(Shape { about, kind, asked: false, answered: false })
}

fn object_kind(object: &Object) -> Outcome<Kind> {
    let value = value(object)?;
    if member(&value, "type") == "object" {
        return Ok(Kind::Record(fields(object)?));
    }
    if let Some(values) = member(&value, "enum").as_array() {
        return Ok(Kind::Choice(values.iter().filter_map(string).collect()));
    }
    match ty(&value)? {
        (Type::Text(format), false) => Ok(Kind::Text(format)),
        _ => Err("neither a record nor a string".to_owned()),
    }
}

fn fields(object: &Object) -> Outcome<Vec<Field>> {
    let mut fields = Vec::new();
    for (name, schema) in &object.properties {
        let value = value(schema)?;
        let (ty, nullable) = ty(&value).map_err(|e| format!("{name}: {e}"))?;
        fields.push(Field {
            name: name.clone(),
            about: about(&value),
            ty,
            optional: !object.required.contains(name),
            nullable,
        });
    }
    Ok(fields)
}

fn union(items: &[RefOr<Schema>]) -> Outcome<Kind> {
    let mut tags = BTreeSet::new();
    let mut variants = Vec::new();
    for item in items {
        let RefOr::T(Schema::Object(object)) = item else {
            return Err("a union of something else than records".to_owned());
        };
        let mut tag = None;
        for (name, schema) in &object.properties {
            if let [only] =
                member(&value(schema)?, "enum").as_array().map_or(&[][..], Vec::as_slice)
            {
                tag = string(only).map(|value| (name.clone(), value));
            }
        }
        let (name, tag) = tag.ok_or("a record without a tag in a union")?;
        let mut fields = fields(object)?;
        fields.retain(|field| field.name != name);
        tags.insert(name);
        let about = object.description.as_deref().map(unbroken).unwrap_or_default();
        variants.push(Variant { tag, about, fields });
    }
    let [tag] = Vec::from_iter(tags).try_into().map_err(|t| format!("several tags: {t:?}"))?;
    Ok(Kind::Union { tag, variants })
}

/// The type that a schema stands for, and whether it may be null.
fn ty(schema: &Value) -> Outcome<(Type, bool)> {
    if let Some(choices) = member(schema, "oneOf").as_array() {
        let null = |choice: &&Value| member(choice, "type") == "null";
        let [one] = choices.iter().filter(|choice| !null(choice)).collect::<Vec<_>>()[..] else {
            return Err("a choice of types without a name".to_owned());
        };
        return Ok((ty(one)?.0, choices.iter().any(|choice| null(&choice))));
    }
    if let Some(path) = member(schema, "$ref").as_str() {
        let name = path.rsplit('/').next().unwrap_or(path);
        return Ok((Type::Shape(name.to_owned()), false));
    }
    let types = match member(schema, "type") {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => return Err("no type".to_owned()),
    };
    let nullable = types.contains(&"null");
    let [one] = types.into_iter().filter(|name| *name != "null").collect::<Vec<_>>()[..] else {
        return Err("several types".to_owned());
    };
    let part = |of: &Value| ty(of).map(|(part, _)| Box::new(part));
    let ty = match one {
        "string" => Type::Text(format(member(schema, "format").as_str())),
        "integer" => Type::Integer,
        "boolean" => Type::Boolean,
        "array" => Type::List(part(member(schema, "items"))?),
        "object" => Type::Map(part(member(schema, "additionalProperties"))?),
        other => return Err(format!("`{other}` has no place in a shape")),
    };
    Ok((ty, nullable))
}

fn format(name: Option<&str>) -> Format {
    match name {
        None => Format::Plain,
        Some("uuid") => Format::Uuid,
        Some("decimal") => Format::Decimal,
        Some("date") => Format::Date,
        Some("date-time") => Format::Instant,
        Some("base64") => Format::Bytes,
        Some(other) => Format::Other(other.to_owned()),
    }
}

/// The description of a member; beside a reference it stands with the reference.
fn about(schema: &Value) -> String {
    let inner = member(schema, "oneOf").as_array().into_iter().flatten();
    let texts =
        std::iter::once(schema).chain(inner).map(|schema| member(schema, "description").as_str());
    texts.flatten().next().map(unbroken).unwrap_or_default()
}

/// A text without the line breaks inside its paragraphs.
fn unbroken(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// A member of an object; null where it has none of that name.
fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn value<T: serde::Serialize>(schema: &T) -> Outcome<Value> {
    serde_json::to_value(schema).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(shape: &Shape) -> Vec<&str> {
        shape.fields().map(|field| field.name.as_str()).collect()
    }

    #[test]
    fn the_surface_has_every_verb_and_no_shape_too_many() {
        let surface = Surface::now().unwrap();
        let verbs = surface.nouns.iter().map(|noun| noun.verbs.len()).sum::<usize>();
        assert_eq!(verbs, VERBS.len());
        assert!(!surface.shapes.contains_key("NewAccount"), "a request has no shape of its own");
        assert!(surface.shapes.values().all(|shape| !shape.about.is_empty()));
        let mut fields = surface.shapes.values().flat_map(Shape::fields);
        assert!(fields.all(|field| !field.about.is_empty()));
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_are_declared() {
        let surface = Surface::now().unwrap();
        assert_eq!(fields(&surface.shapes["Money"]), ["value", "currency"]);
        let names: Vec<&str> = surface.context.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names.first(), Some(&"actor"));
    }

    #[test]
    fn types_are_told_apart() {
        let surface = Surface::now().unwrap();
        let Kind::Union { tag, variants } = &surface.shapes["Condition"].kind else { panic!() };
        assert_eq!((tag.as_str(), variants.first().unwrap().tag.as_str()), ("kind", "all"));
        let text = variants.iter().find(|variant| variant.tag == "text").unwrap();
        let case = text.fields.iter().find(|field| field.name == "case_sensitive").unwrap();
        assert_eq!((&case.ty, case.optional, case.nullable), (&Type::Boolean, true, false));
        let condition = &surface.shapes["Condition"];
        assert!(condition.asked && condition.answered);
        assert!(!surface.shapes["NewSplit"].answered && !surface.shapes["Split"].asked);
        let imports = surface.nouns.iter().find(|noun| noun.name == "imports").unwrap();
        let create = imports.verbs.iter().find(|verb| verb.name == "create").unwrap();
        let content = create.request.first().unwrap();
        assert_eq!((&content.ty, content.optional), (&Type::Text(Format::Bytes), false));
        assert_eq!(create.answer, Some(Type::Shape("ImportReport".to_owned())));
    }
}
