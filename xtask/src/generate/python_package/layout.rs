//! Lines of Python: wrapped texts, and brackets on one line or on several.

/// The width of a line, in characters.
const WIDTH: usize = 100;

/// A piece of code in brackets: on one line where it fits, else one part to a line.
#[derive(Debug)]
pub enum Code {
    /// What cannot be divided.
    Plain(String),
    /// `open`, parts divided by commas, `close`.
    Brackets(String, Vec<Code>, String),
}

impl Code {
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    fn line(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Brackets(open, parts, close) => {
                let parts: Vec<String> = parts.iter().map(Self::line).collect();
                format!("{open}{}{close}", parts.join(", "))
            }
        }
    }

    /// The code at an indent, followed by `end`.
    pub fn lay_out(&self, indent: usize, end: &str) -> String {
        let space = " ".repeat(indent);
        let line = format!("{space}{}{end}\n", self.line());
        match self {
            Self::Brackets(open, parts, close) if width(&line) > WIDTH => {
                let inner = parts.iter().map(|part| part.lay_out(indent + 4, ","));
                format!("{space}{open}\n{}{space}{close}{end}\n", inner.collect::<String>())
            }
            _ => line,
        }
    }
}

/// A docstring: a summary and, where there are any, further lines that stand as they are.
pub fn docstring(indent: usize, summary: &str, rest: &str) -> String {
    let space = " ".repeat(indent);
    let wrapped = wrap(indent, indent + 3, &escape(summary));
    let text = wrapped.trim_start();
    let line = text.trim_end();
    if rest.is_empty() && !line.contains('\n') && indent + 6 + line.chars().count() <= WIDTH {
        return format!("{space}\"\"\"{line}\"\"\"\n");
    }
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{space}\"\"\"{text}{gap}{}{space}\"\"\"\n", escape(rest))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"")
}

/// Paragraphs at an indent, wrapped; what is left of the first line begins at `first`.
pub fn wrap(indent: usize, first: usize, text: &str) -> String {
    let space = " ".repeat(indent);
    let mut lines = String::new();
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            lines.push('\n');
        }
        let mut used = if place == 0 { first } else { indent };
        let mut line = space.clone();
        let mut empty = true;
        for word in paragraph.split_whitespace() {
            let more = word.chars().count() + usize::from(!empty);
            if !empty && used + more > WIDTH {
                lines += line.trim_end();
                lines.push('\n');
                line.clone_from(&space);
                (used, empty) = (indent, true);
            }
            if !empty {
                line.push(' ');
                used += 1;
            }
            line += word;
            used += word.chars().count();
            empty = false;
        }
        lines += line.trim_end();
        lines.push('\n');
    }
    lines
}

fn width(line: &str) -> usize {
    line.trim_end_matches('\n').chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_on_a_line_and_the_rest_is_opened() {
        let call = |parts: &[&str]| {
            let parts = parts.iter().map(|part| Code::plain(*part)).collect();
            Code::Brackets("f(".to_owned(), parts, ")".to_owned())
        };
        assert_eq!(call(&["a", "b"]).lay_out(4, ""), "    f(a, b)\n");
        let long = "x".repeat(60);
        let expected = format!("    f(\n        {long},\n        {long},\n    ):\n");
        assert_eq!(call(&[&long, &long]).lay_out(4, ":"), expected);
    }

    #[test]
    fn a_docstring_keeps_to_the_width() {
        assert_eq!(docstring(4, "One account.", ""), "    \"\"\"One account.\"\"\"\n");
        for words in 1..60 {
            let text = docstring(4, &"word ".repeat(words), "");
            assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
            assert_eq!(text.matches("word").count(), words);
            assert_eq!(text.matches("\"\"\"").count(), 2);
        }
    }
}
