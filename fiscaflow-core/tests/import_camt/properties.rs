//! What holds for any input: no panic, no lost entry, no changed digit.

use proptest::prelude::*;

use super::*;

/// An entry as it is written and as it must be read.
#[derive(Debug, Clone)]
struct Written {
    minor: u64,
    scale: u32,
    is_credit: bool,
    day: u32,
    value_day: Option<u32>,
    is_pending: bool,
    party: String,
    account: String,
    texts: Vec<String>,
    id: Option<u32>,
}

fn written() -> impl Strategy<Value = Written> {
    let text = || "[ -~éß€\u{A0}]{0,20}";
    (
        (any::<u64>(), 0..6_u32, any::<bool>(), 1..29_u32, prop::option::of(1..29_u32)),
        (any::<bool>(), text(), "[A-Z0-9]{0,12}", prop::collection::vec(text(), 0..4)),
        prop::option::of(any::<u32>()),
    )
        .prop_map(|(facts, texts, id)| {
            let (minor, scale, is_credit, day, value_day) = facts;
            let (is_pending, party, account, texts) = texts;
            Written {
                minor,
                scale,
                is_credit,
                day,
                value_day,
                is_pending,
                party,
                account,
                texts,
                id,
            }
        })
}

impl Written {
    fn amount(&self) -> Amount {
        let amount =
            rust_decimal::Decimal::from_i128_with_scale(i128::from(self.minor), self.scale);
        Amount::new(amount)
    }

    /// The entry by the schema of version `version`, with a prefix or without.
    fn xml(&self, p: &str, version: u32, newline: &str) -> String {
        let side = if self.is_credit { "Dbtr" } else { "Cdtr" };
        let status = if self.is_pending { "PDNG" } else { "BOOK" };
        let status = match version {
            8.. => format!("<{p}Cd>{status}</{p}Cd>"),
            _ => status.to_owned(),
        };
        let element = |name: &str, text: &str| format!("<{p}{name}>{text}</{p}{name}>{newline}");
        let name = element("Nm", &escape(&self.party));
        let name = if version >= 8 { element("Pty", &name) } else { name };
        let texts: String = self.texts.iter().map(|text| element("Ustrd", &escape(text))).collect();
        let account = element("Id", &element("IBAN", &self.account));
        let parties = element(side, &name) + &element(&format!("{side}Acct"), &account);
        let details = element("RltdPties", &parties) + &element("RmtInf", &texts);
        let value = self.value_day.map(|day| element("Dt", &format!("2024-03-{day:02}")));
        let id = self.id.map(|id| element("AcctSvcrRef", &format!("R{id}")));
        let sign = if self.is_credit { "CRDT" } else { "DBIT" };
        let content = [
            format!("<{p}Amt Ccy=\"EUR\">{}</{p}Amt>{newline}", self.amount()),
            element("CdtDbtInd", sign),
            element("Sts", &status),
            element("BookgDt", &element("Dt", &format!("2024-02-{:02}", self.day))),
            value.map(|value| element("ValDt", &value)).unwrap_or_default(),
            id.unwrap_or_default(),
            element("NtryDtls", &element("TxDtls", &details)),
        ];
        element("Ntry", &content.concat())
    }

    /// The row that it must be, without its line.
    fn row(&self) -> String {
        let amount = self.amount();
        let amount = match self.is_credit || amount == Amount::ZERO {
            true => amount,
            false => Amount::new(-amount.decimal()),
        };
        let party = self.party.trim();
        let mut texts: Vec<&str> = Vec::new();
        for text in self.texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let description = if texts.is_empty() { party.to_owned() } else { texts.join(" ") };
        let mut line = format!("2024-02-{:02} {amount} `{description}`", self.day);
        let value = self.value_day.map(|day| format!("2024-03-{day:02}"));
        let fields = [
            ("value", value),
            ("payee", Some(party.to_owned()).filter(|party| !party.is_empty())),
            ("account", Some(self.account.clone()).filter(|account| !account.is_empty())),
            ("id", self.id.map(|id| format!("R{id}"))),
            ("pending", self.is_pending.then(String::new)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                write!(line, " {name}={value}").unwrap();
            }
        }
        line
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_statements_are_read_back(
        entries in prop::collection::vec(written(), 0..8),
        version in 1..14_u32,
        prefix in prop::sample::select(&["", "n:"][..]),
        newline in prop::sample::select(&["", "\n", "\r\n  ", "\r"][..]),
        wide in any::<bool>(),
    ) {
        // Holds: what is written by the specification is read back to the digit and the letter.
        let p = prefix;
        let entries_text: String =
            entries.iter().map(|entry| entry.xml(p, version, newline)).collect();
        let text = format!("<{p}Document><{p}BkToCstmrStmt><{p}Stmt>{newline}<{p}Acct><{p}Ccy>EUR\
            </{p}Ccy></{p}Acct>{entries_text}</{p}Stmt></{p}BkToCstmrStmt></{p}Document>");
        let bytes = match wide {
            true => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            false => text.clone().into_bytes(),
        };
        let parsed = read(&bytes).unwrap();
        prop_assert_eq!(problems(&parsed), Vec::<String>::new());
        let found = rows(&parsed);
        let end = newline.trim_end_matches(' ');
        let line_of = |at: usize| match end {
            "" => 1,
            end => text.get(..at).unwrap().matches(end).count() + 1,
        };
        let begin = format!("<{p}Ntry>");
        let starts: Vec<usize> = text.match_indices(&begin).map(|(at, _)| at).collect();
        let expected: Vec<String> = entries
            .iter()
            .zip(starts)
            .map(|(entry, at)| format!("{}: {}", line_of(at), entry.row()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Holds: no input makes the reader or the detection panic.
        let _ = (detect(&bytes), read(&bytes));
        let text = [b"<BkToCstmrStmt><Stmt><Ntry>".as_slice(), &bytes].concat();
        let _ = (detect(&text), read(&text));
    }

    #[test]
    fn any_order_of_tags_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        // Holds: tags in any order are answered, and every entry is a row, information or named.
        let text = format!("<BkToCstmrStmt><Stmt>\n{}", pieces.join("\n"));
        let entries: Vec<u64> =
            (2_u64..)
                .zip(&pieces)
                .filter(|(_, piece)| **piece == "<Ntry>")
                .map(|(line, _)| line)
                .collect();
        if let Ok(parsed) = read(text.as_bytes()) {
            let read: Vec<u64> = parsed
                .statements
                .iter()
                .flat_map(|found| found.rows.iter())
                .map(|row| row.line)
                .collect();
            prop_assert!(read.iter().all(|line| entries.contains(line)));
            // The file never closes its statement, so its end is always named.
            prop_assert!(!parsed.problems.is_empty());
        }
    }

    #[test]
    fn changed_files_are_answered(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12,
        ),
    ) {
        // Holds: bytes that are changed, added or lost never make the reader panic, and of the
        // rows that are still read none is made up.
        let mut bytes = sample().into_bytes();
        for (index, byte, change) in changes {
            let at = index.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(parsed) = read(&bytes) {
            prop_assert!(rows(&parsed).len() <= 4);
        }
        let _ = detect(&bytes);
    }

    #[test]
    fn lost_markup_loses_no_other_entry(at in any::<prop::sample::Index>()) {
        // Holds: one byte of markup lost inside an entry costs that entry at most, and is named
        // unless the entry is still whole.
        let with_id = |id: u32| entry(&format!("<AcctSvcrRef>{id}</AcctSvcrRef>"));
        let entries: Vec<String> = (0..3).map(with_id).collect();
        let text = statement(&entries.join("\n"));
        let start = text.find(&entries[1]).unwrap();
        let marks: Vec<usize> = text
            .match_indices(['<', '>', '/', '"'])
            .map(|(at, _)| at)
            .filter(|at| (start + 6..start + entries[1].len() - 7).contains(at))
            .collect();
        let mut broken = text.clone();
        broken.remove(marks[at.index(marks.len())]);
        let parsed = read(broken.as_bytes()).unwrap();
        let ids: Vec<&str> =
            parsed.statements[0].rows.iter().filter_map(|row| row.bank_id).collect();
        let is_lost = ids == ["0", "2"] && !parsed.problems.is_empty();
        prop_assert!(is_lost || ids == ["0", "1", "2"], "{ids:?} {broken}");
    }
}

#[test]
fn any_cut_of_a_file_is_answered() {
    // Holds: a file cut at any byte is read without panic, and never yields another row.
    let text = sample();
    let whole = rows(&read(text.as_bytes()).unwrap());
    assert_eq!(whole.len(), 4);
    for cut in 0..text.len() {
        if let Ok(parsed) = read(&text.as_bytes()[..cut]) {
            assert!(whole.starts_with(&rows(&parsed)), "{cut}");
            let is_whole = text.get(cut..).unwrap_or("no").trim_start().is_empty();
            assert_eq!(parsed.problems.is_empty(), is_whole, "{cut}");
        }
    }
}

/// A file with most elements that are read.
fn sample() -> String {
    let detail = |amount: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><Amt Ccy=\"EUR\">{amount}</Amt>\
             <RltdPties><Cdtr><Nm>A &amp; B</Nm></Cdtr></RltdPties></TxDtls>"
        )
    };
    let batch = format!("<NtryDtls>{}{}</NtryDtls>", detail("2"), detail("3.00"));
    let entries = [
        entry("<AddtlNtryInf>a<!-- c --><![CDATA[<b>]]></AddtlNtryInf>"),
        entry(&batch),
        detailed("<RmtInf><Ustrd>x</Ustrd><Ustrd>y &#233;</Ustrd></RmtInf>"),
    ];
    let balance = "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>1</Amt>\
                   <CdtDbtInd>CRDT</CdtDbtInd></Bal>\n";
    statement(&format!("{balance}{}", entries.join("\n")))
}

const PIECES: &[&str] = &[
    "<Ntry>",
    "</Ntry>",
    "<Ntry>",
    "<Amt Ccy=\"EUR\">1</Amt>",
    "<Amt>2</Amt>",
    "<CdtDbtInd>CRDT</CdtDbtInd>",
    "<CdtDbtInd>",
    "<Sts>INFO</Sts>",
    "<Sts><Cd>BOOK</Cd></Sts>",
    "<BookgDt><Dt>2024-01-31</Dt></BookgDt>",
    "<ValDt>",
    "</ValDt>",
    "<NtryDtls>",
    "</NtryDtls>",
    "<TxDtls>",
    "</TxDtls>",
    "<RmtInf>",
    "<Ustrd>t</Ustrd>",
    "</RmtInf>",
    "<RltdPties><Cdtr><Nm>n</Nm></Cdtr></RltdPties>",
    "<Bal>",
    "</Bal>",
    "<Acct>",
    "</Acct>",
    "<Stmt>",
    "</Stmt>",
    "<!-- -->",
    "<![CDATA[c]]>",
    "<?p?>",
    "<x/>",
    "text",
    "&amp;",
];
