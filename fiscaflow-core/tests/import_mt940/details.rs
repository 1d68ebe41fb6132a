//! The texts of `:86:`, in the dialects in which banks write them.

use super::*;

/// What the texts of one entry become: the row without date and amount.
fn details(text: &str) -> String {
    let row = only_row(&format!(":61:240201C1,NTRFNONREF\n{text}"));
    row.strip_prefix("2024-02-01 1 ").unwrap().to_owned()
}

#[test]
fn sub_fields_become_the_row() {
    // Holds: which sub-field becomes which part, whatever stands before its code.
    let table = [
        (
            ":86:166?00GUTSCHRIFT?109310?20SVWZ+Rent?21March?30BANKDE2X?31DE02120300000000202051\
             ?32Max?33Mustermann?34011",
            "`SVWZ+Rent March` payee=Max Mustermann account=DE02120300000000202051",
        ),
        (":86:000>100987>20HUUR>21 KANTOOR>310390123456", "`HUUR KANTOOR` account=0390123456"),
        (":86:073~00Przelew~20Za czynsz~32Jan Nowak", "`Za czynsz` payee=Jan Nowak"),
        (
            ":86: 020?00Wyplata?20Tytul?38PL08106000760000777777777777",
            "`Tytul` account=PL08106000760000777777777777",
        ),
        (
            ":86:020?31077?38PL08106000760000777777777777?20x",
            "`x` account=PL08106000760000777777777777",
        ),
        (":86:?20no code", "`no code`"),
        (":86:835?20one?60two?63three?64four?70no", "`one two three four`"),
        (":86:008?00DAUERAUFTRAG?100599?34339", "`DAUERAUFTRAG`"),
        (":86:166?30SPKRDE33?32CHRISTIAN B", "`CHRISTIAN B` payee=CHRISTIAN B"),
        (":86:166?20what? 100?1 ?21really??", "`what? 100?1 really?`"),
        (":86:105?20cut?62Finanzamt?\n", "`cut Finanzamt`"),
        (":86:166?20", "``"),
        (":86:166?20Caf\u{e9} \u{fc}?32\u{df}", "`Café ü` payee=ß"),
    ];
    for (text, expected) in table {
        assert_eq!(details(text), expected, "{text}");
    }
}

#[test]
fn full_sub_fields_go_on_in_the_next() {
    // Holds: a word that the 27 places of a sub-field cut is whole again, a new keyword is not
    // glued to the one before, and the wrap at 65 columns may cut a code.
    let table = [
        ("?20SVWZ+Verw CTSc-01 BC-PPP TF?21Nr 22 004", "SVWZ+Verw CTSc-01 BC-PPP TFNr 22 004"),
        (
            "?20EREF+ZV01002841909493000000\n?2102 ?22SVWZ+Song",
            "EREF+ZV0100284190949300000002 SVWZ+Song",
        ),
        (
            "?20PURP+RINP Dauerauftrag/Rate\n?21SVWZ+Spende",
            "PURP+RINP Dauerauftrag/Rate SVWZ+Spende",
        ),
        ("?20EREF+A1.2 SVWZ+?\n25SONST?2\n6IGE", "EREF+A1.2 SVWZ+ SONST IGE"),
        ("?20SATZE?21NTGELT\n FUER VISA?22XXXX", "SATZE NTGELT FUER VISA XXXX"),
        ("?20abcdefghijklmnopqrstuvwxyzé?21z", "abcdefghijklmnopqrstuvwxyzéz"),
        ("?20abcdefghijklmnopqrstuvwxy ?21z", "abcdefghijklmnopqrstuvwxy z"),
        ("?20abcdefghijklmnopqrstuvwxyz ?21a", "abcdefghijklmnopqrstuvwxyz a"),
        ("?20abcdefghijklmnopqrstuvwxyz12?21a", "abcdefghijklmnopqrstuvwxyz12 a"),
    ];
    for (text, expected) in table {
        assert_eq!(details(&format!(":86:166{text}")), format!("`{expected}`"), "{text}");
    }
}

#[test]
fn slash_codes_become_the_row() {
    // Holds: name, account, reference and remittance of `/CODE/` texts, wrapped or not.
    let table = [
        (
            ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL75INGB0001234567/BIC/INGBNL2A/NAME/\n\
             HR K EN/OF MW H/REMI/RES.NR 42/EREF/NOTPROVIDED",
            "`RES.NR 42` payee=HR K EN/OF MW H account=NL75INGB0001234567",
        ),
        (
            ":86:/EREF/08-12 0030/BENM//NAME/Nespresso Nede\nrland/REMI/2015/ISDT/2013-04-03",
            "`2015` payee=Nespresso Nede rland ref=08-12 0030",
        ),
        (
            ":86:/EREF/08-12-2015 10:22 0030001100999991/BENM//NAME/Rabobank RCKV/\n\
             REMI/20151208 Order 3",
            "`20151208 Order 3` payee=Rabobank RCKV ref=08-12-2015 10:22 0030001100999991",
        ),
        (
            ":86:/NAME/X B.V./MARF/5/REMI//INV/15 1.12/IBAN/NL37DEUT0123456789/EREF/7",
            "`/INV/15 1.12` payee=X B.V. ref=7 account=NL37DEUT0123456789",
        ),
        (
            ":86:/EREF/EV1//CNTP/NL32INGB0000012345/INGBNL2A/ING Test/ROTTERDAM//REMI/USTD//Pay/",
            "`Pay` payee=ING Test ref=EV1 account=NL32INGB0000012345",
        ),
        (
            ":86:/ACCW/NL54INGB0006752576,INGBNL2A/ORDP//NAME/Hr A/REMI/10",
            "`10` payee=Hr A account=NL54INGB0006752576",
        ),
        (":86:/TRTP/OVERBOEKING/BBAN/538/NAME/N/REMI/O", "`O` payee=N account=538"),
        (":86:/IBAN/NL1/NAME/P. W/REMI/", "`/IBAN/NL1/NAME/P. W/REMI/` payee=P. W account=NL1"),
        (":86:/BENM/300\n/KOMERCIJALNA SK\n/EMPTY/", "`/BENM/300 /KOMERCIJALNA SK /EMPTY/`"),
        (":86:/PT/FT/PY/FOO     1\n   2", "`/PT/FT/PY/FOO     1 2`"),
        (":86:a/b/NAME and /XYZ/ c", "`a/b/NAME and /XYZ/ c`"),
    ];
    for (text, expected) in table {
        assert_eq!(details(text), expected, "{text}");
    }
}

#[test]
fn free_text_is_joined() {
    // Holds: a full line goes on in the next one, else one blank stands for the line break.
    let full = "x".repeat(65);
    let table = [
        (":86:Salary payment".to_owned(), "Salary payment".to_owned()),
        (":86:".to_owned(), String::new()),
        (":86: one\ntwo  \n  three".to_owned(), "one two three".to_owned()),
        (":86:one\r\n\r\n   \r\ntwo\r\n".to_owned(), "one two".to_owned()),
        (format!(":86:{full}\ny"), format!("{full}y")),
        (format!(":86:{full}\n y"), format!("{full} y")),
        (":86:BEA   NR:1\ttab\u{1}".to_owned(), "BEA   NR:1 tab".to_owned()),
        (":86:one\n:86:two\n:86:three".to_owned(), "one two three".to_owned()),
        (":86:999PN5477SCHECK-NR. 1".to_owned(), "999PN5477SCHECK-NR. 1".to_owned()),
        (":86:12-20-30 >20 is text".to_owned(), "12-20-30 >20 is text".to_owned()),
    ];
    for (text, expected) in table {
        assert_eq!(details(&text), format!("`{expected}`"), "{text:?}");
    }
}

#[test]
fn lines_that_look_like_tags_are_text() {
    // Holds: the rest of a broken time, unknown tags and hyphens inside `:86:` stay its text.
    let table = [
        ("2014T16\n:26:37 Fo", "2014T16 :26:37 Fo"),
        ("2014T16\n:20:37 Fo", "2014T16 :20:37 Fo"),
        ("2014T16\n:25:37 Fo", "2014T16 :25:37 Fo"),
        ("2014T16\n:28:37 Fo", "2014T16 :28:37 Fo"),
        ("2014T16\n:13:37 Fo", "2014T16 :13:37 Fo"),
        ("2014T16\n20:44:45", "2014T16 20:44:45"),
        ("VERTR\n:KO:NR:401", "VERTR :KO:NR:401"),
        ("Vertrag\n-Nr. 10\n- 5", "Vertrag -Nr. 10 - 5"),
        ("a\n-\nb", "a - b"),
        ("a\n{b}", "a {b}"),
        ("a\n:", "a :"),
        ("a\n::b\n:61 :c", "a ::b :61 :c"),
    ];
    for (text, expected) in table {
        assert_eq!(details(&format!(":86:{text}")), format!("`{expected}`"), "{text:?}");
    }
}

#[test]
fn what_stands_below_the_line_is_not_lost() {
    // Holds: the lines below a `:61:` follow the description, unless it says the same.
    let row = |entry: &str| only_row(&format!(":61:240201C1,NTRFNONREF\n{entry}"));
    assert_eq!(row("Card payment\n:86:Shop"), "2024-02-01 1 `Shop Card payment`");
    assert_eq!(row("Card payment"), "2024-02-01 1 `Card payment`");
    assert_eq!(row("j blom\n:86:NL29 j blom\nSalaris"), "2024-02-01 1 `NL29 j blom Salaris`");
    assert_eq!(row("j blom\n:86:/NAME/J BLOM/REMI/x"), "2024-02-01 1 `x` payee=J BLOM");
    assert_eq!(row("one\ntwo\n:86:x"), "2024-02-01 1 `x one two`");
}

#[test]
fn numbered_lines_become_the_row() {
    // Holds: the text of `:NS:` behind an entry, which SWIFT does not know.
    let text = ":NS:01Verwendungszweck 1\n02Zweck 2\n15Empf\u{e4}nger\n16GmbH\n17G\n330\n340000427";
    assert_eq!(details(text), "`Verwendungszweck 1 Zweck 2` payee=Empfänger GmbH account=427");
    assert_eq!(details(":NS:"), "``");
}

#[test]
fn the_own_account_is_no_other_party() {
    // Holds: a bank that names the statement's own account in `:86:` names no other one.
    assert_eq!(details(":86:000>20x>311020304050"), "`x`");
    assert_eq!(details(":86:000>20x>31304050"), "`x` account=304050");
}
