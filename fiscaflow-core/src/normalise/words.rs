//! Words that are no part of a payee's name: how it was paid, who passed it on, where it was.
//!
//! Lists are folded, and sorted so that they are easy to keep.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// The first three letters of the months, in the languages that statements print them in.
pub(super) const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mai",
    "okt", "dez",
];

/// Which lists a word is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lists(u8);

impl Lists {
    /// Says how something was paid.
    pub(super) const METHOD: Self = Self(1);
    /// Says how something was paid beside another word that does.
    pub(super) const WEAK_METHOD: Self = Self(1 << 1);
    /// Names, before a star, who passed a payment on.
    pub(super) const PROCESSOR: Self = Self(1 << 2);
    /// Is a legal form.
    pub(super) const LEGAL_FORM: Self = Self(1 << 3);
    /// Is a code of ISO 4217 that statements print often.
    pub(super) const CURRENCY: Self = Self(1 << 4);
    /// Is a code of a country, of two or three letters.
    pub(super) const COUNTRY: Self = Self(1 << 5);
    /// Is a large town.
    pub(super) const TOWN: Self = Self(1 << 6);

    /// Those that a word is in, however it is written.
    pub(super) fn of(word: &str) -> Self {
        LISTS.get(&digest(word)).copied().unwrap_or_default()
    }

    /// Whether one of them is the other.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// All words with their lists, by their digests: one look for a word tells all.
static LISTS: LazyLock<HashMap<u64, Lists, BuildHasherDefault<Digested>>> = LazyLock::new(|| {
    let mut all: HashMap<u64, Lists, BuildHasherDefault<Digested>> = HashMap::default();
    for (list, words) in [
        (Lists::METHOD, METHODS),
        (Lists::WEAK_METHOD, WEAK_METHODS),
        (Lists::PROCESSOR, PROCESSORS),
        (Lists::LEGAL_FORM, LEGAL_FORMS),
        (Lists::CURRENCY, CURRENCIES),
        (Lists::COUNTRY, COUNTRIES),
        (Lists::TOWN, TOWNS),
    ] {
        for word in words {
            all.entry(digest(word)).or_default().0 |= list.0;
        }
    }
    all
});

/// FNV-1a, 64 bits, of a text in small letters: <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) fn digest(text: &str) -> u64 {
    let step =
        |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    if text.is_ascii() {
        return text.bytes().fold(start, |digest, byte| step(digest, byte.to_ascii_lowercase()));
    }
    text.chars()
        .flat_map(char::to_lowercase)
        .fold(start, |digest, letter| letter.encode_utf8(&mut [0; 4]).bytes().fold(digest, step))
}

/// Hashes what is a digest already. Nobody can fill a table of ours with digests that meet.
#[derive(Default)]
pub(super) struct Digested(u64);

impl Hasher for Digested {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whether this follows the first point of a web address.
pub(super) fn is_web_ending(text: &str) -> bool {
    WEB_ENDINGS.iter().any(|ending| {
        let Some((start, rest)) = text.split_at_checked(ending.len()) else { return false };
        let ends = ending.contains('.') || !rest.starts_with(|next: char| next.is_alphabetic());
        start.eq_ignore_ascii_case(ending) && ends
    })
}

/// Divides what large shops sell from the reference that some banks print right behind it, such as
/// in `AMAZON PRIMEB12CD34E5`.
pub(super) fn split_glued(text: &str) -> Option<(&str, &str)> {
    let starts = |word: &&&str| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let (word, rest) = text.split_at_checked(GLUED.iter().find(starts)?.len())?;
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && digits >= 2 && rest.len() >= 6).then_some((word, rest))
}

/// Words that have references glued to them.
const GLUED: &[&str] = &["digital", "kindle", "mktplace", "mktp", "music", "prime", "video"];

/// Endings that a name on a statement may have.
const WEB_ENDINGS: &[&str] = &[
    "co.uk", "org.uk", "com.au", "co.nz", "gov.uk", "ac.uk", "com", "org", "net", "de", "at", "ch",
    "fr", "it", "es", "nl", "be", "eu", "io", "co", "uk", "us", "biz", "info", "pl", "cz", "se",
    "dk", "no", "fi", "ie", "pt",
];

/// How something was paid; taken from the beginning of a text only.
const METHODS: &[&str] = &[
    "achat",
    "amex",
    "auftrag",
    "bacs",
    "bancontact",
    "bankcard",
    "bargeldlos",
    "basislastschrift",
    "bezahlung",
    "bonifico",
    "cartao",
    "carte",
    "checkcard",
    "contactless",
    "dauerauftr",
    "dauerauftrag",
    "debitcard",
    "domiciliation",
    "eccard",
    "eftpos",
    "einkauf",
    "einzug",
    "elv",
    "girocard",
    "gutschrift",
    "kartenzahlung",
    "kaufumsatz",
    "kreditkarte",
    "lastschrift",
    "maestro",
    "mastercard",
    "online-ueberweisung",
    "online-überweisung",
    "ovb",
    "pagamento",
    "paiement",
    "payment",
    "payments",
    "prelevement",
    "prlv",
    "prélèvement",
    "retrait",
    "sepa",
    "sepa-basislastschrift",
    "sepa-lastschrift",
    "sepa-ueberweisung",
    "sepa-überweisung",
    "tarjeta",
    "transferencia",
    "uberweisung",
    "ueberweisung",
    "v-pay",
    "virement",
    "visa",
    "visa-karte",
    "visacard",
    "vpay",
    "withdrawal",
    "zahlung",
    "zakup",
    "überweisung",
];

/// What says so only beside another such word: names begin with these, too.
const WEAK_METHODS: &[&str] = &[
    "ach",
    "avoir",
    "bill",
    "card",
    "cards",
    "cb",
    "chip",
    "compra",
    "credit",
    "debit",
    "direct",
    "ec",
    "electronic",
    "faster",
    "fpi",
    "ideal",
    "mc",
    "mobile",
    "online",
    "pago",
    "paid",
    "pay",
    "pin",
    "pos",
    "purchase",
    "recurring",
    "rit",
    "to",
    "transfer",
    "vir",
];
/// Who passes payments on; only before a star.
const PROCESSORS: &[&str] = &[
    "2co",
    "adyen",
    "cko",
    "ckofastspring",
    "crv",
    "curve",
    "dlo",
    "ebay",
    "fastspring",
    "fs",
    "in",
    "iz",
    "iz_",
    "izettle",
    "klarna",
    "lnk",
    "mercpago",
    "mollie",
    "mp",
    "mpago",
    "paddle",
    "pagseguro",
    "pay",
    "paybyphone",
    "payone",
    "paypal",
    "payu",
    "pp",
    "ppl",
    "pypl",
    "revolut",
    "sez",
    "shopify",
    "sp",
    "sq",
    "sqr",
    "square",
    "stripe",
    "sumup",
    "toast",
    "tst",
    "tst-",
    "wise",
    "wl",
    "wpy",
    "xsolla",
    "zettle",
    "zettle_",
];
/// Legal forms; taken from the end of a text only.
const LEGAL_FORMS: &[&str] = &[
    "a.s",
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "b.v",
    "bv",
    "co",
    "corp",
    "corporation",
    "d.o.o",
    "doo",
    "e.k",
    "e.u",
    "e.v",
    "eg",
    "ev",
    "gbr",
    "gesmbh",
    "gmbh",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "n.v",
    "nv",
    "ohg",
    "oy",
    "oyj",
    "plc",
    "pty",
    "s.a",
    "s.a.s",
    "s.l",
    "s.p.a",
    "s.r.l",
    "s.r.o",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "spol",
    "srl",
    "sro",
    "ug",
    "zrt",
];
/// Codes of currencies.
const CURRENCIES: &[&str] = &[
    "aud", "bgn", "brl", "cad", "chf", "clp", "cny", "cop", "czk", "dkk", "eur", "gbp", "hkd",
    "huf", "idr", "ils", "inr", "isk", "jpy", "krw", "mxn", "myr", "nok", "nzd", "php", "pln",
    "ron", "rub", "sek", "sgd", "thb", "try", "twd", "uah", "usd", "zar",
];
/// Codes of countries and of states of the United States that stand behind towns.
const COUNTRIES: &[&str] = &[
    "ad", "ae", "ak", "al", "am", "ar", "at", "au", "aus", "aut", "az", "ba", "be", "bel", "bg",
    "br", "bra", "by", "ca", "can", "ch", "che", "chn", "cl", "cn", "co", "ct", "cy", "cz", "cze",
    "dc", "de", "deu", "dk", "dnk", "ee", "egy", "es", "esp", "est", "fi", "fin", "fl", "fr",
    "fra", "ga", "gb", "gbr", "ge", "gr", "grc", "hk", "hr", "hrv", "hu", "hun", "ia", "id", "ie",
    "il", "ind", "irl", "is", "isl", "isr", "it", "ita", "jp", "jpn", "ke", "kr", "ks", "ky", "lt",
    "ltu", "lu", "lux", "lv", "lva", "ma", "md", "mex", "mi", "mk", "mlt", "mn", "mo", "ms", "mt",
    "mx", "my", "nc", "nd", "ne", "nh", "nj", "nl", "nld", "nm", "no", "nor", "nv", "ny", "nz",
    "nzl", "oh", "ok", "pa", "pl", "pol", "prt", "pt", "ri", "ro", "rou", "rs", "ru", "rus", "sa",
    "sc", "sd", "se", "sg", "sgp", "si", "sk", "svk", "svn", "swe", "th", "tha", "tn", "tr", "tur",
    "tw", "tx", "ua", "uk", "ukr", "us", "usa", "ut", "va", "vn", "vt", "wa", "wi", "wv", "wy",
    "za", "zaf",
];
/// Large towns; taken from the end of a text only.
const TOWNS: &[&str] = &[
    "aachen",
    "aberdeen",
    "amsterdam",
    "antwerp",
    "antwerpen",
    "athens",
    "atlanta",
    "auckland",
    "augsburg",
    "austin",
    "barcelona",
    "basel",
    "belfast",
    "bergamo",
    "berlin",
    "bern",
    "bielefeld",
    "bilbao",
    "birmingham",
    "bochum",
    "bologna",
    "bonn",
    "bordeaux",
    "boston",
    "bradford",
    "bratislava",
    "braunschweig",
    "bregenz",
    "bremen",
    "brighton",
    "brisbane",
    "bristol",
    "brno",
    "brussels",
    "bruxelles",
    "bucharest",
    "budapest",
    "cambridge",
    "cardiff",
    "chemnitz",
    "chicago",
    "copenhagen",
    "cork",
    "coventry",
    "dallas",
    "darmstadt",
    "denver",
    "dortmund",
    "dresden",
    "dublin",
    "duesseldorf",
    "duisburg",
    "dundee",
    "düsseldorf",
    "edinburgh",
    "eindhoven",
    "erfurt",
    "florence",
    "frankfurt",
    "freiburg",
    "gdansk",
    "geneva",
    "geneve",
    "genova",
    "genève",
    "ghent",
    "glasgow",
    "goteborg",
    "graz",
    "grenoble",
    "groningen",
    "göteborg",
    "haarlem",
    "hamburg",
    "hannover",
    "hanover",
    "heidelberg",
    "helsinki",
    "houston",
    "innsbruck",
    "istanbul",
    "karlsruhe",
    "kassel",
    "kiel",
    "klagenfurt",
    "kobenhavn",
    "koblenz",
    "koeln",
    "krakow",
    "kraków",
    "krefeld",
    "köln",
    "københavn",
    "lausanne",
    "leeds",
    "leicester",
    "leipzig",
    "leverkusen",
    "lille",
    "linz",
    "lisboa",
    "lisbon",
    "liverpool",
    "ljubljana",
    "lodz",
    "london",
    "luebeck",
    "luxembourg",
    "luzern",
    "lyon",
    "lübeck",
    "madrid",
    "magdeburg",
    "mainz",
    "malaga",
    "manchester",
    "mannheim",
    "marseille",
    "melbourne",
    "miami",
    "milan",
    "milano",
    "minneapolis",
    "montpellier",
    "montreal",
    "muenchen",
    "muenster",
    "munich",
    "málaga",
    "münchen",
    "münster",
    "nantes",
    "napoli",
    "newcastle",
    "norwich",
    "nottingham",
    "nuernberg",
    "nürnberg",
    "oslo",
    "osnabrueck",
    "osnabrück",
    "ottawa",
    "oxford",
    "palermo",
    "paris",
    "perth",
    "philadelphia",
    "plymouth",
    "portland",
    "porto",
    "portsmouth",
    "poznan",
    "poznań",
    "prague",
    "praha",
    "regensburg",
    "rennes",
    "roma",
    "rome",
    "rostock",
    "rotterdam",
    "saarbruecken",
    "saarbrücken",
    "salzburg",
    "seattle",
    "sevilla",
    "sheffield",
    "singapore",
    "solihull",
    "southampton",
    "stockholm",
    "strasbourg",
    "stuttgart",
    "sunderland",
    "swansea",
    "sydney",
    "tallinn",
    "tampere",
    "tilburg",
    "torino",
    "toronto",
    "toulouse",
    "turin",
    "ulm",
    "utrecht",
    "valencia",
    "vancouver",
    "venezia",
    "venice",
    "vienna",
    "vilnius",
    "warsaw",
    "warszawa",
    "wien",
    "wiesbaden",
    "winterthur",
    "wolverhampton",
    "wroclaw",
    "wrocław",
    "wuerzburg",
    "wuppertal",
    "würzburg",
    "zagreb",
    "zaragoza",
    "zuerich",
    "zurich",
    "zürich",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists are sorted, each word once, and every word is found in its list.
    #[test]
    fn lists_are_sorted() {
        for list in [METHODS, WEAK_METHODS, PROCESSORS, LEGAL_FORMS, CURRENCIES, COUNTRIES, TOWNS] {
            assert!(list.is_sorted_by(|left, right| left < right));
        }
        assert!(METHODS.iter().all(|word| Lists::of(word).has(Lists::METHOD)));
        assert!(TOWNS.iter().all(|word| Lists::of(word).has(Lists::TOWN)));
        assert!(COUNTRIES.iter().all(|word| Lists::of(word).has(Lists::COUNTRY)));
        assert_eq!(Lists::of("bakery"), Lists::default());
    }
}
