//! What it takes to leave letter case out of account in the classes of a regular expression.
//!
//! The `regex` crate goes through every character of a class to find its other cases, and no limit
//! on the size of what is compiled holds by then. In 512 bytes there is room for half a second of
//! that, so it is counted beforehand.

use regex_syntax::ParserBuilder;
use regex_syntax::ast::{
    Ast, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetBinaryOpKind, ClassSetItem,
    ClassUnicode, Visitor, visit,
};
use regex_syntax::hir::{Class, HirKind};

use crate::limits::MAX_CONDITION_DEPTH;

/// As many characters as there are.
const ALL: u64 = 0x11_0000;

/// How many characters are gone through to prepare an expression, at most; none where it is no
/// expression at all.
pub(super) fn characters_of(pattern: &str) -> u64 {
    let depth = MAX_CONDITION_DEPTH.try_into().unwrap_or(u32::MAX);
    let mut parser = regex_syntax::ast::parse::ParserBuilder::new().nest_limit(depth).build();
    let work = parser.parse(pattern).map(|ast| visit(&ast, Work { pattern, characters: 0 }));
    work.unwrap_or(Ok(0)).unwrap_or(0)
}

struct Work<'p> {
    pattern: &'p str,
    characters: u64,
}

impl Visitor for Work<'_> {
    type Output = u64;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<u64, Self::Err> {
        Ok(self.characters)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        let work = match ast {
            Ast::ClassUnicode(class) => self.unicode(class).work,
            Ast::ClassBracketed(class) => self.bracketed(class).work,
            _ => 0,
        };
        self.characters = self.characters.saturating_add(work);
        Ok(())
    }
}

/// A class of characters.
struct Known {
    /// How many characters were gone through to make it.
    work: u64,
    /// How many it has, at most.
    size: u64,
    /// Whether it has the other cases of all its characters already.
    folded: bool,
}

impl Known {
    fn plain(size: u64) -> Self {
        Self { work: 0, size, folded: false }
    }

    /// With the other cases of its characters.
    fn folded(self) -> Self {
        let more = if self.folded { 0 } else { self.size };
        Self { work: self.work.saturating_add(more), folded: true, ..self }
    }
}

impl Work<'_> {
    /// A class by its name. The characters that it has, or has not, are counted without regard to
    /// letter case, which is quick.
    fn unicode(&self, class: &ClassUnicode) -> Known {
        let text = self.pattern.get(class.span.start.offset..class.span.end.offset);
        let hir = text.and_then(|text| ParserBuilder::new().build().parse(text).ok());
        let size = match hir.map(|hir| hir.into_kind()) {
            Some(HirKind::Class(Class::Unicode(class))) => {
                let of = |range: &regex_syntax::hir::ClassUnicodeRange| {
                    span(u32::from(range.start()), u32::from(range.end()))
                };
                class.ranges().iter().map(of).fold(0, u64::saturating_add)
            }
            _ => 0,
        };
        let named = if class.is_negated() { ALL.saturating_sub(size) } else { size };
        Known { work: named, size, folded: true }
    }

    fn bracketed(&self, class: &ClassBracketed) -> Known {
        let set = self.set(&class.kind).folded();
        if class.negated { Known { size: ALL, ..set } } else { set }
    }

    fn set(&self, set: &ClassSet) -> Known {
        let op = match set {
            ClassSet::Item(item) => return self.item(item),
            ClassSet::BinaryOp(op) => op,
        };
        let (left, right) = (self.set(&op.lhs).folded(), self.set(&op.rhs).folded());
        let size = match op.kind {
            ClassSetBinaryOpKind::Intersection => left.size.min(right.size),
            ClassSetBinaryOpKind::Difference => left.size,
            ClassSetBinaryOpKind::SymmetricDifference => left.size.saturating_add(right.size),
        };
        Known { work: left.work.saturating_add(right.work), size: size.min(ALL), folded: true }
    }

    fn item(&self, item: &ClassSetItem) -> Known {
        match item {
            ClassSetItem::Empty(_) => Known { work: 0, size: 0, folded: true },
            ClassSetItem::Literal(_) => Known::plain(1),
            ClassSetItem::Range(range) => {
                Known::plain(span(u32::from(range.start.c), u32::from(range.end.c)))
            }
            ClassSetItem::Ascii(class) => Known::plain(if class.negated { ALL } else { 128 }),
            ClassSetItem::Perl(class) => Known::plain(perl(class)),
            ClassSetItem::Unicode(class) => self.unicode(class),
            ClassSetItem::Bracketed(class) => self.bracketed(class),
            ClassSetItem::Union(union) => {
                let mut all = Known { work: 0, size: 0, folded: true };
                for one in union.items.iter().map(|item| self.item(item)) {
                    all.work = all.work.saturating_add(one.work);
                    all.size = all.size.saturating_add(one.size).min(ALL);
                    all.folded &= one.folded;
                }
                all
            }
        }
    }
}

fn span(first: u32, last: u32) -> u64 {
    u64::from(last.saturating_sub(first).saturating_add(1))
}

/// Letters, digits and what joins words are some 145,000 characters, digits some 800, spaces few.
fn perl(class: &ClassPerl) -> u64 {
    match class.kind {
        _ if class.negated => ALL,
        ClassPerlKind::Word => 150_000,
        ClassPerlKind::Digit | ClassPerlKind::Space => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_the_crate_meets_them() {
        // Holds: classes by name and ranges as often as they stand there, what is closed under
        // letter case not at all, and what was gone through once not again.
        for (pattern, least, most) in [
            ("rewe|EDEKA", 0, 0),
            ("\\w+\\W\\d.", 0, 0),
            ("[^é]", 1, 1),
            ("\\pL", 130_000, 160_000),
            ("\\PL", 130_000, 160_000),
            ("\\pL{50}", 130_000, 160_000),
            ("\\pL\\pL", 260_000, 320_000),
            ("[\\pL]", 130_000, 160_000),
            ("[^\\pL\\pN]", 130_000, 170_000),
            ("[\\w.-]", 140_000, 160_000),
            ("[[\\w.]&&[^a]]", 140_000, 160_000),
            ("[\\x{80}-\\x{10ffff}]", 1_100_000, ALL),
            ("[a[\\x{80}-\\x{10ffff}]]", 2_200_000, 2 * ALL + 1),
            ("(", 0, 0),
        ] {
            let found = characters_of(pattern);
            assert!((least..=most).contains(&found), "{pattern}: {found}");
        }
    }
}
