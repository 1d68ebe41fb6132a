//! Household statements of any size, made from a seed.

use std::fmt::Write as _;

use fiscaflow_core::CategoryId;
use fiscaflow_core::model::{Action, Condition, NewRule, TextField, TextOp};

use super::random::Random;

/// The most transactions of one file.
pub const FILE_ROWS: usize = 100_000;

/// Who is paid.
pub const SHOPS: &[&str] = &[
    "REWE",
    "EDEKA",
    "LIDL",
    "ALDI",
    "SPAR",
    "DM DROGERIE",
    "SHELL",
    "ARAL",
    "DB BAHN",
    "AMAZON",
    "ZALANDO",
    "IKEA",
    "NETFLIX",
    "SPOTIFY",
    "TELEKOM",
    "VODAFONE",
    "STADTWERKE",
    "ALLIANZ",
    "HUK",
    "APOTHEKE",
    "BAECKEREI",
    "PIZZERIA",
    "KINO",
    "FITNESS",
    "BUCHHANDLUNG",
];
/// Where.
pub const CITIES: &[&str] =
    &["BERLIN", "WIEN", "ZUERICH", "HAMBURG", "GRAZ", "KOELN", "LINZ", "BONN"];

/// A statement as the standard wants it, down to what nobody reads: some readers refuse less.
const HEAD: &str = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\n\
    CHARSET:1252\nCOMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX><SIGNONMSGSRSV1>\
    <SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260101<LANGUAGE>ENG</SONRS>\
    </SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>\
    <STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>DE001<ACCTTYPE>CHECKING</BANKACCTFROM>\
    <BANKTRANLIST><DTSTART>20160101<DTEND>20251231\n";
const TAIL: &str = "</BANKTRANLIST><LEDGERBAL><BALAMT>1000.00<DTASOF>20251231</LEDGERBAL></STMTRS>\
    </STMTTRNRS></BANKMSGSRSV1></OFX>\n";

/// What a shop's purchases are filed under.
pub fn category(shop: &str) -> &'static str {
    match shop {
        "REWE" | "EDEKA" | "LIDL" | "ALDI" | "SPAR" | "BAECKEREI" => "Groceries",
        "DM DROGERIE" | "APOTHEKE" | "FITNESS" => "Health",
        "SHELL" | "ARAL" | "DB BAHN" => "Transport",
        "NETFLIX" | "SPOTIFY" | "KINO" | "PIZZERIA" => "Leisure",
        "TELEKOM" | "VODAFONE" | "STADTWERKE" => "Utilities",
        "ALLIANZ" | "HUK" => "Insurance",
        _ => "Shopping",
    }
}

/// OFX files that together hold `n` transactions of one account over ten years.
pub fn files(n: usize, seed: u64) -> Vec<Vec<u8>> {
    files_from(0, n, seed)
}

/// Files with `n` other transactions of the same account over the same years.
pub fn more_files(n: usize, seed: u64) -> Vec<Vec<u8>> {
    files_from(n, n, seed.wrapping_add(1))
}

fn files_from(first: usize, n: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let mut files = Vec::new();
    let (mut made, end) = (first, first.saturating_add(n));
    while made < end {
        let rows = (end - made).min(FILE_ROWS);
        files.push(file(&mut random, made, rows));
        made += rows;
    }
    files
}

/// One OFX file of `rows` transactions, whose ids count on from `first`.
pub fn file(random: &mut Random, first: usize, rows: usize) -> Vec<u8> {
    let mut text = String::with_capacity(rows * 160);
    text.push_str(HEAD);
    for row in first..first + rows {
        let (year, month, day) =
            (2016 + random.below(10), 1 + random.below(12), 1 + random.below(28));
        let cents = 1 + random.below(20_000);
        let sign = if random.below(20) == 0 { "" } else { "-" };
        let (shop, city) = (random.pick(SHOPS), random.pick(CITIES));
        let _ = writeln!(
            text,
            "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>{year}{month:02}{day:02}<TRNAMT>{sign}{}.{:02}\
             <FITID>{row:012}<NAME>{shop} {}<MEMO>CARD {:04} {city}</STMTTRN>",
            cents / 100,
            cents % 100,
            random.below(1_000),
            random.below(10_000),
        );
    }
    text.push_str(TAIL);
    text.into_bytes()
}

/// What a rule looks for: the first name the shops and the others match nothing.
pub fn needle(place: usize) -> String {
    SHOPS.get(place).map_or_else(|| format!("merchant {place:05}"), |shop| (*shop).to_owned())
}

/// `count` rules, one for each needle.
pub fn rules(count: usize, category_id: CategoryId) -> Vec<NewRule> {
    let rule = |place: usize| NewRule {
        id: None,
        name: format!("rule {place}"),
        stage: None,
        priority: None,
        enabled: None,
        condition: Condition::Text {
            field: TextField::Description,
            op: TextOp::Contains,
            values: vec![needle(place)],
            case_sensitive: false,
        },
        actions: vec![Action::SetCategory { category_id }],
        stop: false,
    };
    (0..count).map(rule).collect()
}
