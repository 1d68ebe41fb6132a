//! The proofs that the verifiers of all languages read: made here, and judged here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests report by panicking"
)]

mod shared;

use std::collections::HashMap;
use std::ops::Range;

use fiscaflow_verifier::{Digest, check_consistency, check_inclusion, leaf_hash, node_hash};

use shared::{Random, naive_consistency, naive_inclusion, split};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors.txt");
/// How many proofs there are, good and forged.
const VECTORS: usize = 10_000;
/// The leaves of the largest tree whose leaves differ.
const LEAVES: u64 = 1 << 20;

const HEAD: &str = "\
# Proofs that every verifier has to judge alike, written by the tests of verifiers/rust.
# A line: kind (i = inclusion, c = consistency), verdict (+ = good, - = forged), and
#   of inclusion:   the leaf's hash, its index, the tree's size, its root, the path
#   of consistency: the old size, the old root, the new size, the new root, the path
# Hashes are Base64; a path is its hashes in a row, and `.` without any. In a forged line `=` is
# what the last good line of its kind has there, and a path `start:end:Base64` is that line's path
# with these bytes in the place of those from start to end.
";

/// A tree of which any part's hash is known.
enum Tree {
    /// Each leaf is another; the nodes of each level.
    Distinct(Vec<Vec<Digest>>),
    /// All leaves are the same, so that a part's hash follows from its length.
    Same(Digest),
}

impl Tree {
    fn distinct() -> Self {
        let mut levels = vec![shared::leaves(LEAVES)];
        while levels[levels.len() - 1].len() > 1 {
            let below = &levels[levels.len() - 1];
            let above = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1]));
            levels.push(above.collect());
        }
        Self::Distinct(levels)
    }

    fn hash(&self, part: Range<u64>) -> Digest {
        let length = part.end - part.start;
        if length.is_power_of_two() {
            let level = length.trailing_zeros();
            return match self {
                Self::Distinct(levels) => {
                    levels[level as usize][usize::try_from(part.start >> level).unwrap()]
                }
                Self::Same(leaf) => (0..level).fold(*leaf, |node, _| node_hash(&node, &node)),
            };
        }
        let middle = part.start + split(length);
        node_hash(&self.hash(part.start..middle), &self.hash(middle..part.end))
    }

    fn inclusion(&self, index: u64, size: u64) -> Proof {
        let (mut within, mut path) = (0..size, Vec::new());
        while within.end - within.start > 1 {
            let middle = within.start + split(within.end - within.start);
            let (left, right) = (within.start..middle, middle..within.end);
            let (on, other) = if index < middle { (left, right) } else { (right, left) };
            path.push(self.hash(other));
            within = on;
        }
        path.reverse();
        let (one, root) = (self.hash(index..index + 1), self.hash(0..size));
        Proof { kind: 'i', one, a: index, b: size, root, path }
    }

    fn consistency(&self, old: u64, size: u64) -> Proof {
        let (mut within, mut path) = (0..size, Vec::new());
        while within.end > old {
            let middle = within.start + split(within.end - within.start);
            let (left, right) = (within.start..middle, middle..within.end);
            let (on, other) = if old <= middle { (left, right) } else { (right, left) };
            path.push(self.hash(other));
            within = on;
        }
        if within.start > 0 {
            path.push(self.hash(within));
        }
        path.reverse();
        let (one, root) = (self.hash(0..old), self.hash(0..size));
        Proof { kind: 'c', one, a: old, b: size, root, path }
    }
}

/// A proof of either kind: `one` is the leaf or the old root, `a` the index or the old size.
#[derive(Clone, PartialEq)]
struct Proof {
    kind: char,
    one: Digest,
    a: u64,
    b: u64,
    root: Digest,
    path: Vec<Digest>,
}

impl Proof {
    fn said(&self) -> [bool; 2] {
        let Self { kind, one, a, b, root, path } = self;
        match kind {
            'i' => {
                [check_inclusion(one, *a, *b, path, root), naive_inclusion(one, *a, *b, path, root)]
            }
            _ => [
                check_consistency(*a, one, *b, root, path),
                naive_consistency(*a, one, *b, root, path),
            ],
        }
    }

    /// The proof with one thing changed: bits, hashes, sizes, indices.
    fn forged(&self, tree: &Tree, random: &mut Random) -> Self {
        let mut it = self.clone();
        let flip = |hash: &mut Digest, random: &mut Random| {
            hash[random.place(32)] ^= 1 << random.below(8);
        };
        let place = random.place(it.path.len().max(1));
        let near = |number: u64, random: &mut Random| match random.below(6) {
            0 => number.wrapping_add(1),
            1 => number.wrapping_sub(1),
            2 => number ^ 1 << random.below(8),
            3 => number ^ 1 << random.below(64),
            4 => 0,
            _ => u64::MAX,
        };
        match random.below(13) {
            0 => flip(&mut it.one, random),
            1 => flip(&mut it.root, random),
            2 | 3 if place < it.path.len() => flip(&mut it.path[place], random),
            4 => drop(it.path.pop()),
            5 if place < it.path.len() => drop(it.path.remove(place)),
            6 => it.path.clear(),
            7 => it.path.push(leaf_hash(&random.next().to_be_bytes())),
            8 if place < it.path.len() => it.path.insert(place, it.path[place]),
            9 if place > 0 => it.path.swap(place - 1, place),
            10 => it.a = near(it.a, random),
            11 => it.b = near(it.b, random),
            12 => {
                let size = near(it.b, random).clamp(1, LEAVES);
                it.root = tree.hash(0..size);
            }
            _ => std::mem::swap(&mut it.one, &mut it.root),
        }
        it
    }

    fn line(&self, verdict: char, last: Option<&Self>) -> String {
        let same = |same: bool, text: String| if same { "=".to_owned() } else { text };
        let hash =
            |hash: &Digest, other: Option<&Digest>| same(Some(hash) == other, to_base64(hash));
        let number = |it: u64, other: Option<u64>| same(Some(it) == other, it.to_string());
        let (one, a) =
            (hash(&self.one, last.map(|it| &it.one)), number(self.a, last.map(|it| it.a)));
        let (b, root) =
            (number(self.b, last.map(|it| it.b)), hash(&self.root, last.map(|it| &it.root)));
        let path = match last {
            Some(last) => {
                same(last.path == self.path, splice(&last.path.concat(), &self.path.concat()))
            }
            None if self.path.is_empty() => ".".to_owned(),
            None => to_base64(&self.path.concat()),
        };
        let (kind, [first, second]) =
            (self.kind, if self.kind == 'i' { [one, a] } else { [a, one] });
        format!("{kind} {verdict} {first} {second} {b} {root} {path}\n")
    }
}

/// What makes the one of the other: from where to where it differs, and what stands there.
fn splice(from: &[u8], to: &[u8]) -> String {
    let start = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let (rest, new) = (&from[start..], &to[start..]);
    let tail =
        rest.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    format!("{start}:{}:{}", from.len() - tail, to_base64(&new[..new.len() - tail]))
}

fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .enumerate()
            .fold(0, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Good proofs: of every size up to 256, of larger ones, and of the largest that there can be.
fn good<'a>(distinct: &'a Tree, same: &'a Tree, random: &mut Random) -> Vec<(&'a Tree, Proof)> {
    let mut all = Vec::new();
    let mut add = |tree: &'a Tree, size: u64, random: &mut Random| {
        let index = match random.below(4) {
            0 => 0,
            1 => size - 1,
            _ => random.below(size),
        };
        all.push((tree, tree.inclusion(index, size)));
        let old = match random.below(4) {
            0 => 1 << random.below(u64::from(size.ilog2()) + 1),
            1 => size - size.min(random.below(3)).min(size - 1),
            _ => 1 + random.below(size),
        };
        all.push((tree, tree.consistency(old, size)));
    };
    for size in 1..=256 {
        add(distinct, size, random);
    }
    for level in 9..=20_u32 {
        for size in [(1 << level) - 1, 1 << level, LEAVES.min((1 << level) + 1)] {
            add(distinct, size, random);
        }
        for _ in 0..12 {
            add(distinct, (1 << (level - 1)) + random.below(1 << (level - 1)), random);
        }
    }
    for level in [31, 32, 33, 52, 53, 54, 62, 63] {
        add(same, 1 << level, random);
        add(same, (1 << level) + 1 + random.below((1 << level) - 1), random);
    }
    add(same, u64::MAX, random);
    all
}

fn made() -> String {
    let mut random = Random(9162);
    let (distinct, same) = (Tree::distinct(), Tree::Same(leaf_hash(b"same")));
    let good = good(&distinct, &same, &mut random);
    let mut text = HEAD.to_owned();
    let mut left = VECTORS;
    for (place, (tree, proof)) in good.iter().enumerate() {
        assert_eq!(proof.said(), [true; 2], "{} {} {}", proof.kind, proof.a, proof.b);
        text += &proof.line('+', None);
        let share = left.div_ceil(good.len() - place);
        left -= share;
        let mut seen = vec![proof.clone()];
        while seen.len() < share {
            let it = proof.forged(tree, &mut random);
            // With another size a path may lead to the same root: the checkpoint holds the size.
            if seen.contains(&it) || it.said()[1] {
                continue;
            }
            text += &it.line('-', Some(proof));
            seen.push(it);
        }
    }
    assert_eq!(left, 0);
    text
}

/// Judges every line of the file, and counts.
fn judged(text: &str) -> [usize; 2] {
    let mut good: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut counts = [0; 2];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split(' ').collect();
        let &[kind, verdict, ..] = &cells[..] else { panic!("{line}") };
        let last = good.get(kind).cloned().unwrap_or_default();
        let cell = |at: usize| if cells[at] == "=" { last[at] } else { cells[at] };
        let path = match cells[6].splitn(3, ':').collect::<Vec<_>>()[..] {
            [start, end, base64] => {
                let mut path = from_base64(last[6]);
                let place: Range<usize> = start.parse().unwrap()..end.parse().unwrap();
                path.splice(place, from_base64(base64));
                path
            }
            _ => from_base64(cell(6)),
        };
        let (path, ragged) = path.as_chunks::<32>();
        assert!(ragged.is_empty());
        let hash = |at| <Digest>::try_from(from_base64(cell(at))).unwrap();
        let number = |at| cell(at).parse::<u64>().unwrap();
        let said = match kind {
            "i" => check_inclusion(&hash(2), number(3), number(4), path, &hash(5)),
            _ => check_consistency(number(2), &hash(3), number(4), &hash(5), path),
        };
        assert_eq!(said, verdict == "+", "{line}");
        counts[usize::from(said)] += 1;
        if said {
            good.insert(kind, cells);
        }
    }
    counts
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits = text.trim_end_matches('=').bytes().filter(|digit| *digit != b'.');
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        (bits, count) = (bits << 6 | u32::from(value(digit)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    bytes
}

#[test]
fn every_vector_is_judged_right() {
    // Holds: the file has 10,000 proofs, and the verifier accepts the good ones and no other.
    let [forged, good] = judged(&std::fs::read_to_string(FILE).unwrap());
    assert_eq!(forged + good, VECTORS);
    assert!(good > 800, "{good}");
}

#[test]
fn the_file_is_the_one_that_is_made() {
    // Holds: the file is what the generator makes of its seed. `FISCAFLOW_BLESS` writes it.
    let made = made();
    if std::env::var_os("FISCAFLOW_BLESS").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let same = std::fs::read_to_string(FILE).unwrap() == made;
    assert!(same, "verifiers/vectors.txt is not what is made of the seed");
}
