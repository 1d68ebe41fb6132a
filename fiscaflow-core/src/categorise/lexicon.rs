//! What brands and merchant codes say of a book's categories where nothing was learned.
//!
//! They say what a shop sells; which category of the book means that is told by its name, in some
//! languages. It is a hint for a person: how often it is right in a household is not known, so it
//! never sets a category by itself.

use std::collections::HashMap;

use crate::id::CategoryId;
use crate::model::Transaction;
use crate::model::metadata::MCC;
use crate::normalise::{mcc_category, normalise};
use crate::plan::Plan;
use crate::store::fold;

/// What is sold, and what books call that besides, folded; the first that a book has is meant.
const WORDS: &[(&str, &[&str])] = &[
    ("Banking", &["bank", "bank fees", "fees", "gebühren", "bankgebühren", "frais bancaires"]),
    ("Bars and alcohol", &["bars", "bar", "alcohol", "drinks", "ausgehen", "going out", "bares"]),
    ("Beauty", &["personal care", "cosmetics", "körperpflege", "drogerie", "beauté", "belleza"]),
    ("Books and stationery", &["books", "bücher", "livres", "libros", "libri", "stationery"]),
    ("Car", &["auto", "vehicle", "car expenses", "voiture", "coche", "automobile"]),
    ("Clothing and shoes", &["clothing", "clothes", "kleidung", "vêtements", "ropa", "shopping"]),
    ("Coffee and bakery", &["coffee", "cafés", "café", "bakery", "bäckerei", "eating out"]),
    ("Education", &["bildung", "school", "schule", "éducation", "educación", "tuition"]),
    ("Electronics and phone", &["electronics", "elektronik", "phone", "telefon", "technik"]),
    ("Entertainment", &["fun", "leisure", "freizeit", "unterhaltung", "loisirs", "ocio"]),
    ("Fast food", &["takeaway", "eating out", "dining", "restaurant", "restaurants", "dining out"]),
    ("Fitness", &["sport", "sports", "gym", "fitnessstudio", "deporte", "health"]),
    ("Fuel and charging", &["fuel", "gas", "petrol", "tanken", "benzin", "carburant", "gasolina"]),
    ("Gambling", &["lottery", "lotto", "glücksspiel", "jeux"]),
    ("General merchandise", &["shopping", "household", "haushalt", "compras", "achats"]),
    (
        "Groceries",
        &["groceries", "supermarket", "lebensmittel", "supermarkt", "courses", "food", "essen"],
    ),
    ("Health", &["medical", "pharmacy", "gesundheit", "apotheke", "santé", "salud", "salute"]),
    ("Home and garden", &["home", "household", "haushalt", "wohnen", "maison", "hogar", "casa"]),
    ("Insurance and finance", &["insurance", "versicherung", "versicherungen", "assurance"]),
    ("Jewellery", &["jewelry", "schmuck", "bijoux", "shopping"]),
    ("Laundry and services", &["laundry", "services", "wäscherei", "reinigung"]),
    ("Pets", &["pet", "haustiere", "haustier", "animaux", "mascotas"]),
    ("Post and parcels", &["post", "postage", "shipping", "porto", "versand"]),
    ("Property", &["housing", "rent", "miete", "wohnen", "logement", "alquiler"]),
    (
        "Restaurants",
        &["restaurant", "eating out", "dining out", "dining", "gastronomie", "restaurantes"],
    ),
    ("Sports and outdoor", &["sport", "sports", "deporte", "hobby", "hobbies", "freizeit"]),
    ("Tobacco and vape", &["tobacco", "tabak", "tabac", "smoking"]),
    ("Toys and children", &["children", "kids", "toys", "kinder", "enfants", "niños"]),
    (
        "Transport and rental",
        &["transport", "transportation", "public transport", "verkehr", "mobilität", "transports"],
    ),
    ("Travel and lodging", &["travel", "holiday", "holidays", "reisen", "urlaub", "voyages"]),
];

/// What a brand or a merchant code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// What says it: `mcc` or `brand`.
    pub(crate) feature: &'static str,
    /// The code or the brand, and what is sold.
    pub(crate) value: String,
    /// What is sold, among the lexicon's categories.
    pub(crate) sells: String,
}

/// A book's categories by what is sold.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon(HashMap<&'static str, CategoryId>);

impl Lexicon {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut named: HashMap<String, CategoryId> = HashMap::new();
        // Of several categories of one name, the first is meant.
        for category in plan.categories.values() {
            named.entry(fold(category.name.trim())).or_insert(category.id);
        }
        let meant = WORDS.iter().filter_map(|(sells, words)| {
            let own = named.get(&fold(sells));
            let found = own.or_else(|| words.iter().find_map(|word| named.get(*word)));
            found.map(|id| (*sells, *id))
        });
        Self(meant.collect())
    }

    /// The book's category for what is sold.
    pub(crate) fn category(&self, sells: &str) -> Option<CategoryId> {
        self.0.get(sells).copied()
    }
}

/// What the merchant code says, else the brand.
pub(crate) fn hint(it: &Transaction, text: &str) -> Option<Hint> {
    let code = it.metadata.get(MCC);
    let by_code = code.and_then(|code| Some((code, mcc_category(code.trim().parse().ok()?)?)));
    if let Some((code, sells)) = by_code {
        let value = format!("{code}: {sells}");
        return Some(Hint { feature: "mcc", value, sells: sells.to_owned() });
    }
    let found = normalise(text);
    let sells = found.category_hint?;
    Some(Hint { feature: "brand", value: format!("{}: {sells}", found.name), sells })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::CATEGORIES;

    /// Each category of the lexicon has its words, in the form in which names are compared.
    #[test]
    fn every_category_has_words() {
        let sold: Vec<&str> = WORDS.iter().map(|(sells, _)| *sells).collect();
        assert_eq!(sold, CATEGORIES);
        assert!(WORDS.iter().all(|(_, words)| words.iter().all(|word| fold(word) == *word)));
    }
}
