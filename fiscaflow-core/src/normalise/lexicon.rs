//! Brands and what they sell: some ten thousand, from the name-suggestion-index.
//!
//! `brands.tsv` has a brand a line: its name, a tab, and the letter of its place in
//! [`CATEGORIES`], or `-` where brands of that name sell different things. Its licence stands in
//! `NOTICE.md` beside it.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use super::tokens::for_each_kept;
use super::words::{Digested, digest};

const BRANDS: &str = include_str!("brands.tsv");

/// What brands sell, in words that do not change.
pub const CATEGORIES: &[&str] = &[
    "Banking",
    "Bars and alcohol",
    "Beauty",
    "Books and stationery",
    "Car",
    "Clothing and shoes",
    "Coffee and bakery",
    "Education",
    "Electronics and phone",
    "Entertainment",
    "Fast food",
    "Fitness",
    "Fuel and charging",
    "Gambling",
    "General merchandise",
    "Groceries",
    "Health",
    "Home and garden",
    "Insurance and finance",
    "Jewellery",
    "Laundry and services",
    "Pets",
    "Post and parcels",
    "Property",
    "Restaurants",
    "Sports and outdoor",
    "Tobacco and vape",
    "Toys and children",
    "Transport and rental",
    "Travel and lodging",
];

/// A brand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brand {
    /// Its name as it spells itself.
    pub(super) name: &'static str,
    pub(super) category: Option<&'static str>,
}

/// The brands by the digest of their folded names.
static INDEX: LazyLock<HashMap<u64, Brand, BuildHasherDefault<Digested>>> = LazyLock::new(|| {
    let (mut word, mut key) = (String::new(), String::new());
    let brand = |line: &'static str| {
        let (name, letter) = line.split_once('\t')?;
        key.clear();
        for_each_kept(name, &mut word, |word| {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(word);
        });
        let place = match letter.bytes().next()? {
            capital @ b'A'..=b'Z' => Some(capital.saturating_sub(b'A')),
            small @ b'a'..=b'z' => Some(small.saturating_sub(b'a').saturating_add(26)),
            _ => None,
        };
        let category = place.and_then(|place| CATEGORIES.get(usize::from(place))).copied();
        (!key.is_empty()).then(|| (digest(&key), Brand { name, category }))
    };
    let mut index: HashMap<u64, Brand, BuildHasherDefault<Digested>> = HashMap::default();
    for (digest, brand) in BRANDS.lines().filter_map(brand) {
        let kept = index.entry(digest).or_insert(brand);
        if kept.category != brand.category {
            kept.category = None;
        }
    }
    index
});

/// The brand whose folded name this is.
pub(super) fn brand(key: &str) -> Option<Brand> {
    INDEX.get(&digest(key)).copied()
}

/// What the brand sells whose name a folded name is, or begins with: among [`CATEGORIES`].
///
/// ```
/// use fiscaflow_core::normalise::brand_category;
///
/// assert_eq!(brand_category("lidl"), Some("Groceries"));
/// assert_eq!(brand_category("lidl dienstleistung"), Some("Groceries"));
/// assert_eq!(brand_category("lidlike"), None);
/// ```
pub fn brand_category(key: &str) -> Option<&'static str> {
    brand(key).map_or_else(|| start_category(key), |brand| brand.category)
}

/// What the brand sells whose name a folded name begins with, which is no brand's itself.
pub(super) fn start_category(key: &str) -> Option<&'static str> {
    // A short beginning, such as `be`, is a word more often than a brand.
    let spaces = key.match_indices(' ').map(|(place, _)| place).filter(|place| *place >= 4);
    let starts: Vec<&str> = spaces.take(4).filter_map(|place| key.get(..place)).collect();
    starts.iter().rev().find_map(|start| brand(start)).and_then(|brand| brand.category)
}
