//! `_book.py` and `aio.py`: the engine, its books and their nouns.

use std::fmt::Write as _;

use super::layout::{Code, docstring, wrap};
use super::types::{is_reserved, text};
use crate::generate::shapes::{Field, Format, Kind, Noun, PROGRESS, Surface, Type, Verb};
use crate::shell::Outcome;

/// What does not depend on the verbs, with words in `@` where the flavours differ.
const TEMPLATE: &str = include_str!("engine.py.in");
const BLOCKING: &[(&str, &str)] = &[
    ("@DOC@", "The engine, its books and their nouns; every call waits for its answer."),
    ("@ABC@", "Callable, Mapping, Sequence"),
    ("@TYPING@", ""),
    ("@ASYNC@", ""),
    ("@AWAIT@", ""),
    (
        "@IMPORTS@",
        "from ._delivery import (\n    Backup,\n    Copied,\n    Inbox,\n    Outgoing,\n    Relay,\n\
         \x20   backup,\n    copy_book,\n    relay_of,\n    restore,\n)\n\
         from ._native import Native\n\
         from ._rows import Rows\n\
         from ._wire import Noun, Scope, base64, hide_password, public_name\n",
    ),
    ("@CLOSE@", "self._native.close()"),
    ("@ENTER@", "__enter__"),
    ("@EXIT@", "__exit__"),
    ("@WITH@", "with"),
    ("@OPEN@", include_str!("open_blocking.py.in")),
];
const ASYNC: &[(&str, &str)] = &[
    ("@DOC@", "The engine, its books and their nouns for asyncio; every call is to be awaited."),
    ("@ABC@", "Callable, Generator, Mapping, Sequence"),
    ("@TYPING@", "from typing import Any\n"),
    ("@ASYNC@", "async "),
    ("@AWAIT@", "await "),
    (
        "@IMPORTS@",
        "from ._asyncio import (\n    Inbox,\n    Noun,\n    Relay,\n    Scope,\n    backup,\n\
         \x20   close_native,\n    copy_book,\n    open_native,\n    restore,\n)\n\
         from ._delivery import Backup, Copied, Outgoing, relay_of\n\
         from ._native import Native\n\
         from ._rows import Rows\n\
         from ._wire import base64, hide_password, public_name\n",
    ),
    ("@CLOSE@", "await close_native(self._native)"),
    ("@ENTER@", "__aenter__"),
    ("@EXIT@", "__aexit__"),
    ("@WITH@", "async with"),
    ("@OPEN@", include_str!("open_async.py.in")),
];

/// What a verb's parameter for its progress is.
const ABOUT_PROGRESS: &str = "\
    Is called with how far this is, at most about a hundred times in each phase. What it raises \
    is reported and changes nothing.";

/// Whether calls wait for their answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// They do.
    Blocking,
    /// They are to be awaited.
    Async,
}

/// The module.
pub fn module(surface: &Surface, flavour: Flavour) -> Outcome<String> {
    let mut nouns = String::new();
    let (mut properties, mut in_book, mut outside) = (String::new(), String::new(), String::new());
    for noun in &surface.nouns {
        let (inner, outer): (Vec<&Verb>, Vec<&Verb>) =
            noun.verbs.iter().partition(|verb| verb.in_book);
        let methods = |verbs: &[&Verb]| {
            verbs.iter().map(|verb| method(surface, flavour, noun, verb)).collect::<Outcome<_>>()
        };
        // The verbs of `books` hang on the book itself, or on what makes books.
        if noun.name == "books" {
            in_book = methods(&inner)?;
            outside = methods(&outer)?;
            continue;
        }
        let class = class(noun.name);
        let methods: String = methods(&inner)?;
        let docs = docstring(4, noun.about, "");
        write!(nouns, "class {class}(Noun):\n{docs}{methods}\n\n").map_err(|e| e.to_string())?;
        let name = noun.name;
        let docs = docstring(8, noun.about, "");
        let body = format!("{docs}        return {class}(self._scope)\n");
        properties += &format!("\n    @property\n    def {name}(self) -> {class}:\n{body}");
    }
    let words = match flavour {
        Flavour::Blocking => BLOCKING,
        Flavour::Async => ASYNC,
    };
    let words = words.iter().fold(TEMPLATE.to_owned(), |text, (word, by)| text.replace(word, by));
    let text = words
        .replace("@NOUNS@", &nouns)
        .replace("@BOOK@", &(properties + &in_book))
        .replace("@BOOKS@", &outside);
    Ok(context(surface, text))
}

/// Fills in what the members of the context are: parameters, their description, a dictionary.
fn context(surface: &Surface, text: String) -> String {
    let params = |changes: bool| {
        surface.context.iter().map(move |field| {
            let absent = if field.optional || changes { " | None = None" } else { "" };
            format!("        {}: str{absent},\n", field.name)
        })
    };
    let args = surface.context.iter().map(|field| arg(&field.name, &field.about));
    let members = surface.context.iter().map(|f| format!("            \"{0}\": {0},\n", f.name));
    text.replace("@CONTEXT@", &params(false).collect::<String>())
        .replace("@CHANGES@", &params(true).collect::<String>())
        .replace("@CONTEXT_ARGS@", &args.collect::<String>())
        .replace("@CONTEXT_MEMBERS@", &members.collect::<String>())
}

fn class(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn method(surface: &Surface, flavour: Flavour, noun: &Noun, verb: &Verb) -> Outcome<String> {
    let has = |name: &str| verb.request.iter().any(|field| field.name == name);
    if verb.takes_id && has("id") || verb.observed && has("progress") {
        return Err(format!("{}.{} has two parameters of one name", noun.name, verb.name));
    }
    let (required, optional): (Vec<&Field>, Vec<&Field>) =
        verb.request.iter().partition(|field| !field.optional);
    let fields: Vec<&Field> = required.into_iter().chain(optional).collect();
    let (async_, call) = match flavour {
        Flavour::Blocking => ("", "self._scope.call("),
        Flavour::Async => ("async ", "await self._scope.call_async("),
    };
    let mut params = vec![Code::plain("self")];
    if verb.takes_id {
        params.push(Code::plain("id: str"));
    }
    if !fields.is_empty() || verb.observed {
        params.push(Code::plain("*"));
    }
    params.extend(fields.iter().map(|field| Code::plain(param(surface, field))));
    if verb.observed {
        let hears = format!("Callable[[types.{PROGRESS}], object]");
        params.push(Code::plain(format!("progress: {hears} | None = None")));
    }
    let answer = verb.answer.as_ref().map(|ty| answer_type(surface, ty));
    let close = format!(") -> {}", answer.as_deref().unwrap_or("None"));
    let head = Code::Brackets(format!("{async_}def {}(", verb.name), params, close);
    let mut args: String = fields.iter().map(|f| arg(&python_name(&f.name), &f.about)).collect();
    if verb.observed {
        args += &arg("progress", ABOUT_PROGRESS);
    }
    let args = if args.is_empty() { args } else { format!("        Args:\n{args}") };
    let docs = docstring(8, verb.about, &args);

    let mut parts = vec![Code::plain(format!("\"{}.{}\"", noun.name, verb.name))];
    if !fields.is_empty() {
        let members = fields.iter().map(|field| Code::plain(member(field))).collect();
        parts.push(Code::Brackets("{".to_owned(), members, "}".to_owned()));
    }
    if verb.takes_id {
        parts.push(Code::plain(if fields.is_empty() { "id=id" } else { "id" }));
    }
    if verb.observed {
        parts.push(Code::plain("progress=progress"));
    }
    let body = match answer {
        None => Code::Brackets(call.to_owned(), parts, ")".to_owned()).lay_out(8, ""),
        Some(answer) => {
            let open = format!("answer: {answer} = {call}");
            let call = Code::Brackets(open, parts, ")".to_owned()).lay_out(8, "");
            format!("{call}        return answer\n")
        }
    };
    Ok(format!("\n{}{docs}{body}", head.lay_out(4, ":")))
}

/// A line of a docstring's `Args`.
fn arg(name: &str, about: &str) -> String {
    wrap(16, 12, &format!("{name}: {about}")).replacen("                ", "            ", 1)
}

/// The parameter for a member of a request. What may be absent defaults to what the engine takes
/// then; `None` is the same as absent.
fn param(surface: &Surface, field: &Field) -> String {
    let name = python_name(&field.name);
    let ty = param_type(surface, &field.ty);
    let default = match &field.ty {
        _ if !field.optional => "",
        _ if field.nullable => " | None = None",
        Type::Boolean => " = False",
        Type::List(_) => " = ()",
        Type::Text(Format::Plain) => " = \"\"",
        _ => " | None = None",
    };
    format!("{name}: {ty}{default}")
}

fn param_type(surface: &Surface, ty: &Type) -> String {
    let of_types = |name: &str| if name == "str" { name.into() } else { format!("types.{name}") };
    match ty {
        Type::List(part) => format!("Sequence[{}]", param_type(surface, part)),
        Type::Map(part) => format!("Mapping[str, {}]", param_type(surface, part)),
        Type::Integer => "int".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Text(Format::Bytes) => "bytes | bytearray | memoryview".to_owned(),
        Type::Text(format) => of_types(text(format, true, "str")),
        Type::Shape(name) => match surface.shapes.get(name).map(|shape| &shape.kind) {
            Some(Kind::Text(format)) => of_types(text(format, true, name)),
            _ => of_types(name),
        },
    }
}

/// The type of an answer.
fn answer_type(surface: &Surface, ty: &Type) -> String {
    match ty {
        Type::List(part) => format!("Rows[{}]", answer_type(surface, part)),
        other => param_type(surface, other),
    }
}

/// The member of a request, made from its parameter.
fn member(field: &Field) -> String {
    let name = python_name(&field.name);
    let bytes = field.ty == Type::Text(Format::Bytes);
    let value = if bytes { format!("base64(\"{}\", {name})", field.name) } else { name };
    format!("\"{}\": {value}", field.name)
}

/// A name that is a word of the language takes an underscore behind it.
fn python_name(name: &str) -> String {
    if is_reserved(name) { format!("{name}_") } else { name.to_owned() }
}
