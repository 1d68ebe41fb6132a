//! Rust source as lines of code and comment. Just enough of a lexer to know what stands inside a
//! string or a comment: rules about code must not fire on text, and text cannot be wrapped.

/// One line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The code, with the contents of string literals left out.
    pub code: String,
    /// The comments, with their marks.
    pub comment: String,
}

#[derive(Clone, Copy)]
enum State {
    Code,
    /// Inside `"..."`.
    Text,
    /// Inside `r##"..."##`, with the number of `#`.
    RawText(usize),
    /// Inside `/* ... */`, with the depth.
    Comment(usize),
}

/// Takes a file apart, line by line.
pub fn split(text: &str) -> Vec<Line> {
    let mut state = State::Code;
    text.lines().map(|line| split_line(line, &mut state)).collect()
}

fn split_line(text: &str, state: &mut State) -> Line {
    let mut line = Line::default();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = match *state {
            State::Code if rest.starts_with("//") => {
                line.comment.push_str(rest);
                rest.len()
            }
            State::Code => take_code(rest, next, &mut line, state),
            State::Text => take_text(rest, next, &mut line, state),
            State::RawText(hashes) => {
                let end = format!("\"{}", "#".repeat(hashes));
                if rest.starts_with(&end) {
                    *state = State::Code;
                    line.code.push_str(&end);
                    end.len()
                } else {
                    next.len_utf8()
                }
            }
            State::Comment(depth) => take_comment(rest, next, depth, &mut line, state),
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    line
}

fn take_code(rest: &str, next: char, line: &mut Line, state: &mut State) -> usize {
    if rest.starts_with("/*") {
        *state = State::Comment(0);
        return 0;
    }
    if let Some((hashes, length)) = raw_start(rest, &line.code) {
        *state = State::RawText(hashes);
        line.code.push_str(rest.get(..length).unwrap_or_default());
        return length;
    }
    let length = match next {
        '"' => {
            *state = State::Text;
            1
        }
        // A character such as '"'; a lifetime has no closing quote two characters on.
        '\'' => character(rest).unwrap_or(1),
        other => other.len_utf8(),
    };
    line.code.push_str(rest.get(..length).unwrap_or_default());
    length
}

fn take_text(rest: &str, next: char, line: &mut Line, state: &mut State) -> usize {
    match next {
        '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
        '"' => {
            *state = State::Code;
            line.code.push('"');
            1
        }
        other => other.len_utf8(),
    }
}

fn take_comment(rest: &str, next: char, depth: usize, line: &mut Line, state: &mut State) -> usize {
    let length = match () {
        () if rest.starts_with("/*") => {
            *state = State::Comment(depth + 1);
            2
        }
        () if rest.starts_with("*/") => {
            *state = if depth > 1 { State::Comment(depth - 1) } else { State::Code };
            2
        }
        () => next.len_utf8(),
    };
    line.comment.push_str(rest.get(..length).unwrap_or_default());
    length
}

/// The number of `#` and the length of the start of a raw string, if one starts here.
fn raw_start(rest: &str, before: &str) -> Option<(usize, usize)> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    // `br"` and `cr"` come through their second letter.
    let word: String = before.chars().rev().take_while(|c| in_word(*c)).collect();
    if !(word.is_empty() || word == "b" || word == "c") {
        return None;
    }
    let after = rest.strip_prefix('r')?;
    let hashes = after.chars().take_while(|c| *c == '#').count();
    after.get(hashes..)?.starts_with('"').then_some((hashes, hashes + 2))
}

/// The length of a character literal, if one starts here.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.get(1..)?;
    let first = inner.chars().next()?;
    if first == '\\' {
        let end = inner.get(2..)?.find('\'')?;
        return Some(end + 4);
    }
    inner.get(first.len_utf8()..)?.starts_with('\'').then_some(first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        split(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn strings_are_emptied_and_comments_set_apart() {
        let line = split(r#"let a = "x // y \" z"; // why"#).remove(0);
        assert_eq!(line, Line { code: r#"let a = ""; "#.into(), comment: "// why".into() });
    }

    #[test]
    fn strings_and_comments_go_over_lines() {
        assert_eq!(
            code("let a = r#\"one\n\"two\" // no\n\"#; b()"),
            ["let a = r#\"", "", "\"#; b()"]
        );
        assert_eq!(code("a /* one\n/* two */ still\n*/ b"), ["a ", "", " b"]);
        assert_eq!(code("a(\"one\\\ntwo\"); f32"), ["a(\"", "\"); f32"]);
    }

    #[test]
    fn quotes_that_open_nothing() {
        assert_eq!(
            code(r#"('"', '\'', '\u{22}', b'"') "f32" x"#),
            [r#"('"', '\'', '\u{22}', b'"') "" x"#]
        );
        assert_eq!(
            code("fn f<'a>(x: &'a str) { for_r\"x\" }"),
            ["fn f<'a>(x: &'a str) { for_r\"\" }"]
        );
        assert_eq!(code("br\"f\\\" f32"), ["br\"\" f32"]);
    }
}
