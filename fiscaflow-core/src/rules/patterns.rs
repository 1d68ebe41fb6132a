//! Regular expressions: which are taken, how they run, and what running them costs.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, HirKind};

use super::check::exceeded;
use super::classes::characters_of;
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{
    MAX_CONDITION_DEPTH, MAX_PATTERN_BYTES, MAX_PATTERN_CHARACTERS, MAX_PATTERN_SIZE,
    MAX_PATTERN_TEXT, MAX_PATTERNS,
};
use crate::model::{Action, Condition, TextOp};

/// Regular expressions of which one must match. They are compiled when first asked for: most
/// requests run no rule, and a condition before them may settle the matter.
#[derive(Debug)]
pub(super) struct Patterns {
    texts: Vec<String>,
    case_sensitive: bool,
    /// What looking at one byte of a text may cost.
    weight: u64,
    compiled: OnceLock<Option<RegexSet>>,
    first: OnceLock<Vec<Regex>>,
}

impl Patterns {
    pub(super) fn new(texts: &[String], case_sensitive: bool) -> Self {
        Self {
            texts: texts.to_vec(),
            case_sensitive,
            weight: texts.iter().map(|text| weight_of(text)).fold(0, u64::saturating_add),
            compiled: OnceLock::new(),
            first: OnceLock::new(),
        }
    }

    /// Whether one matches; what it may cost is drawn from the budget, and nothing matches any
    /// more when that is used up.
    pub(super) fn match_in(&self, text: &str, budget: &mut Budget) -> bool {
        let text = cut(text);
        let compile = || compile_patterns(&self.texts, self.case_sensitive).ok();
        // A rule is kept only after its patterns were compiled, so they are there.
        budget.draw(text, self.weight)
            && self.compiled.get_or_init(compile).as_ref().is_some_and(|set| set.is_match(text))
    }

    /// A text in which `$1` and the like stand for what the first pattern that matches found.
    pub(super) fn expand(&self, text: &str, template: &str, budget: &mut Budget) -> Option<String> {
        let text = cut(text);
        if !budget.draw(text, self.weight) {
            return None;
        }
        let patterns = self.first.get_or_init(|| {
            let compile = |pattern: &String| alone(pattern, self.case_sensitive).ok();
            self.texts.iter().filter_map(compile).collect()
        });
        let captures = patterns.iter().find_map(|pattern| pattern.captures(text))?;
        let mut expanded = String::new();
        captures.expand(template, &mut expanded);
        Some(expanded)
    }

    /// Texts in lower case of which the fold of every matching text contains one; `None` where
    /// no such list is short. Letter case may be left out of account, for the fold has none, but
    /// only as far as a literal is ASCII: there each letter folds as its variants do.
    pub(super) fn literals(&self) -> Option<Vec<String>> {
        let mut literals = Vec::new();
        for text in &self.texts {
            let hir = ParserBuilder::new().build().parse(text).ok()?;
            let found = Extractor::new().extract(&hir);
            for literal in found.literals()? {
                let ascii = literal.as_bytes().iter().take_while(|byte| byte.is_ascii());
                literals.push(ascii.map(|byte| char::from(*byte).to_ascii_lowercase()).collect());
            }
        }
        literals.sort();
        literals.dedup();
        Some(literals)
    }
}

/// A text in which `$1` and the like stand for nothing, because no pattern matched.
pub(super) fn expand_nothing(template: &str) -> String {
    let mut expanded = String::new();
    if let Some(captures) = Regex::new("").ok().as_ref().and_then(|empty| empty.captures("")) {
        captures.expand(template, &mut expanded);
    }
    expanded
}

/// The start of a text that regular expressions see.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_PATTERN_TEXT)).unwrap_or(text)
}

/// How much work regular expressions may still do. It is counted in bytes of text times the size
/// of the expression and not in time, so that a run ends alike on every machine.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new(units: u64) -> Self {
        Self { left: units }
    }

    pub(super) fn draw(&mut self, text: &str, weight: u64) -> bool {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(16);
        self.left = self.left.saturating_sub(bytes.saturating_mul(weight));
        self.left > 0
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0
    }
}

/// How many states of a pattern weigh one: the automata of small ones are tables, which cost the
/// same whatever is in them.
const STATES_PER_UNIT: u64 = 4;

/// A quarter of about as many states as an automaton for the pattern has; at least 1.
fn weight_of(pattern: &str) -> u64 {
    fn states(hir: &Hir) -> u64 {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => 0,
            HirKind::Literal(literal) => u64::try_from(literal.0.len()).unwrap_or(u64::MAX),
            HirKind::Class(_) => 1,
            HirKind::Repetition(repetition) => {
                let times = repetition.max.unwrap_or(repetition.min.saturating_add(1));
                states(&repetition.sub).saturating_mul(u64::from(times))
            }
            HirKind::Capture(capture) => states(&capture.sub),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => {
                parts.iter().map(states).fold(0, u64::saturating_add)
            }
        }
    }
    ParserBuilder::new()
        .build()
        .parse(pattern)
        .map_or(1, |hir| (states(&hir) / STATES_PER_UNIT).max(1))
}

/// Refuses patterns that are none, or that would take too much time or memory, alone or together.
pub(super) fn check_patterns(condition: &Condition, actions: &[Action]) -> Result<()> {
    let mut patterns = Vec::new();
    collect_patterns(condition, &mut patterns);
    if patterns.is_empty() {
        return Ok(());
    }
    if patterns.len() > MAX_PATTERNS {
        return exceeded(format!("a rule has at most {MAX_PATTERNS} regular expressions"));
    }
    if patterns.iter().any(|pattern| pattern.len() > MAX_PATTERN_BYTES) {
        return Err(refused(&format!("it may have at most {MAX_PATTERN_BYTES} bytes")));
    }
    let large = || {
        Err(refused("it grows too large; repeat counts on `\\w` and other wide classes cost most"))
    };
    let characters = patterns.iter().map(|pattern| characters_of(pattern));
    if characters.fold(0, u64::saturating_add) > MAX_PATTERN_CHARACTERS {
        return Err(refused("its classes have too many characters together"));
    }
    // What notes take parts from is compiled once more, with its groups.
    if actions.iter().any(takes_parts)
        && patterns
            .iter()
            .any(|it| matches!(alone(it, false), Err(regex::Error::CompiledTooBig(_))))
    {
        return large();
    }
    // Where letter case counts in some conditions only, this takes the larger form of all.
    match compile_patterns(&patterns, false) {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) if patterns.len() > 1 => exceeded(format!(
            "the regular expressions of a rule take at most {MAX_PATTERN_SIZE} bytes together"
        )),
        Err(regex::Error::CompiledTooBig(_)) => large(),
        Err(_) => Err(refused("it is not a regular expression of the supported syntax")),
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::InvalidPattern, format!("the pattern is refused: {why}"))
        .field("condition")
}

/// The patterns of a condition and of its parts.
fn collect_patterns<'a>(condition: &'a Condition, patterns: &mut Vec<&'a str>) {
    if let Condition::Text { op: TextOp::Regex, values, .. } = condition {
        patterns.extend(values.iter().map(String::as_str));
    }
    condition.parts().iter().for_each(|part| collect_patterns(part, patterns));
}

pub(super) fn has_patterns(condition: &Condition) -> bool {
    condition.has(&|leaf| matches!(leaf, Condition::Text { op: TextOp::Regex, .. }))
}

/// Whether notes are written that take parts of what an expression found.
fn takes_parts(action: &Action) -> bool {
    action.notes().is_some_and(|notes| notes.contains('$'))
}

/// Compiles one pattern by itself, within the limit of all of them together.
fn alone(pattern: &str, case_sensitive: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(!case_sensitive)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE)
        .nest_limit(MAX_CONDITION_DEPTH.try_into().unwrap_or(u32::MAX))
        .build()
}

/// Compiles patterns of the `regex` crate as one, within the limit of all of them together.
fn compile_patterns<S: AsRef<str>>(
    patterns: &[S],
    case_sensitive: bool,
) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns)
        .case_insensitive(!case_sensitive)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE)
        .nest_limit(MAX_CONDITION_DEPTH.try_into().unwrap_or(u32::MAX))
        .build()
}
