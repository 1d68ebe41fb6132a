//! The quirks of real delimited files, by their numbers in the list that was counted over samples.

use super::*;

/// The rows of a file that must have no problem: day, amount, description.
fn rows(bytes: &[u8]) -> Vec<String> {
    let parsed = read(bytes, None);
    assert_eq!(parsed.problems, [], "{}", String::from_utf8_lossy(bytes));
    let rows = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
    rows.map(|row| format!("{} {} {}", row.booking_date, row.amount, row.description)).collect()
}

/// The amounts of a file without problems.
fn amounts(text: &str) -> Vec<String> {
    let second = |row: &String| row.split(' ').nth(1).unwrap().to_owned();
    rows(text.as_bytes()).iter().map(second).collect()
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let bytes = |letter: char| -> Vec<u8> {
        let mut units = [0; 2];
        let units = letter.encode_utf16(&mut units).iter();
        match label {
            "utf-16le" => units.flat_map(|unit| unit.to_le_bytes()).collect(),
            "utf-16be" => units.flat_map(|unit| unit.to_be_bytes()).collect(),
            // As far as the tests need it.
            "windows-1250" => match letter {
                'č' => vec![0xE8],
                'á' => vec![0xE1],
                'í' => vec![0xED],
                'ř' => vec![0xF8],
                'Č' => vec![0xC8],
                'ě' => vec![0xEC],
                ascii => vec![u8::try_from(ascii).unwrap()],
            },
            "windows-1252" if letter == '€' => vec![0x80],
            "windows-1252" | "iso-8859-1" => vec![u8::try_from(letter).unwrap()],
            _ => letter.to_string().into_bytes(),
        }
    };
    text.chars().flat_map(bytes).collect()
}

#[test]
fn quirk_21_charsets() {
    // Holds: the same file in UTF-8 and UTF-16 with and without a mark, in windows-1250, 1252 and
    // ISO-8859-1 yields the same rows with the same letters.
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let western = "Buchungstag;Empfänger;Betrag\n31.01.2024;Müller;-5,00\n";
    let files = [
        encoded("utf-8", western),
        marked(b"\xEF\xBB\xBF", encoded("utf-8", western)),
        encoded("utf-16le", western),
        marked(b"\xFF\xFE", encoded("utf-16le", western)),
        encoded("utf-16be", western),
        marked(b"\xFE\xFF", encoded("utf-16be", western)),
        encoded("windows-1252", western),
        encoded("iso-8859-1", western),
    ];
    for file in files {
        assert_eq!(rows(&file), ["2024-01-31 -5.00 Müller"]);
    }
    let euro = encoded("windows-1252", "Buchungstag;Empfänger;Betrag\n31.01.2024;Müller;-5,00 €\n");
    assert_eq!(read(&euro, None).statements[0].currency.as_deref(), Some("EUR"));
    let czech = "Datum;Příjemce;Částka\n31.01.2024;Kavárna;-5,00\n";
    assert_eq!(rows(&encoded("windows-1250", czech)), ["2024-01-31 -5.00 Kavárna"]);
}

#[test]
fn quirk_21_line_ends_delimiters_and_no_header() {
    // Holds: lone carriage returns end lines; semicolon, comma, tab and bar part cells; a file
    // without a header is read by its cells.
    let text = "Date;Text;Amount\n2024-01-31;coffee;-5.00\n2024-02-01;tea;-3.00\n";
    let expected = ["2024-01-31 -5.00 coffee", "2024-02-01 -3.00 tea"];
    for end in ["\n", "\r\n", "\r"] {
        for delimiter in [";", ",", "\t", "|"] {
            let file = text.replace('\n', end).replace(';', delimiter);
            assert_eq!(rows(file.as_bytes()), expected, "{file:?}");
            let bare = file.split_once(end).unwrap().1;
            assert_eq!(rows(bare.as_bytes()), expected, "{bare:?}");
        }
    }
}

#[test]
fn quirk_22_prose_totals_null_rows_and_trailing_columns() {
    // Holds: lines before the header and behind the rows, totals, balances, rows without an amount
    // and a last column without a name are no transactions and no problem.
    let text = "Account statement of J Smith, all rights reserved\n\
                Account:;DE02120300000000202051;\n\
                ;;\n\
                Buchungstag;Verwendungszweck;Betrag;\n\
                31.01.2024;coffee;-5,00;\n\
                31.01.2024;;;\n\
                ;;;\n\
                01.02.2024;tea;-3,00;\n\
                01.02.2024;Saldo;1.234,56;\n\
                Summe;;-8,00;\n\
                Total of all rows;2;-8,00;\n\
                * all amounts without guarantee, see www.example.com, page 2\n";
    assert_eq!(rows(text.as_bytes()), ["2024-01-31 -5.00 coffee", "2024-02-01 -3.00 tea"]);
}

#[test]
fn quirk_22_a_balance_that_moves_without_an_amount_is_a_problem() {
    // Holds: a row without an amount is left out in silence only where the balance stands still.
    let text = "Date,Description,Amount,Balance\n\
                2024-01-31,coffee,-5.00,95.00\n\
                2024-01-31,new terms apply,,95.00\n\
                2024-02-01,tea,-3.00,92.00\n\
                2024-02-02,lost,,80.00\n\
                2024-02-03,salary,20.00,100.00\n";
    let parsed = read(text.as_bytes(), None);
    let problems = parsed.problems.iter().map(|it| (it.line, it.field.as_deref()));
    assert_eq!(problems.collect::<Vec<_>>(), [(Some(5), Some("amount"))]);
    assert_eq!(parsed.statements.iter().map(|it| it.rows.len()).sum::<usize>(), 3);
}

#[test]
fn quirk_22_a_description_on_the_next_row() {
    // Holds: a row with nothing but a text belongs to the transaction before it.
    let text = "Transaction Date,Value Date,Description,Withdrawals,Deposits\n\
                31/01/2024,31/01/2024,POINT OF SALE,5.00,\n\
                ,,COFFEE 0042,,\n\
                01/02/2024,01/02/2024,INTEREST,,0.10\n";
    assert_eq!(
        rows(text.as_bytes()),
        ["2024-01-31 -5.00 POINT OF SALE COFFEE 0042", "2024-02-01 0.10 INTEREST"]
    );
}

#[test]
fn quirk_22_pending_rows() {
    // Holds: a row that a status column calls pending is pending, a failed one is none, and one
    // whose date is the word itself is left out.
    let text = "Date,Text,Amount,Status\n2024-01-31,coffee,-5.00,Pending\n\
                2024-01-30,tea,-3.00,Completed\n2024-01-29,cake,-4.00,Declined\n\
                Pending,juice,-2.00,Pending\n";
    let parsed = read(text.as_bytes(), None);
    assert_eq!(parsed.problems, []);
    let found: Vec<_> =
        parsed.statements[0].rows.iter().map(|row| (row.description, row.pending)).collect();
    assert_eq!(found, [("coffee", true), ("tea", false)]);
}

#[test]
fn quirk_23_amounts() {
    // Holds: every way in which samples write amounts means what its writer meant.
    let table = [
        ("-1.234,56", "-1234.56", "1,5"),
        ("11'373.94", "11373.94", "1.5"),
        ("-$7,971.39", "-7971.39", "1.5"),
        ("$-7,971.39", "-7971.39", "1.5"),
        ("(20,000.00)", "-20000.00", "1.5"),
        ("20.00 EUR", "20.00", "1.5"),
        ("-20,00 €", "-20.00", "1,5"),
        ("1 234,56", "1234.56", "1,5"),
        ("1.234,56-", "-1234.56", "1,5"),
        ("\u{2212}12,30", "-12.30", "1,5"),
        ("100.00 CR", "100.00", "-1.5"),
    ];
    for (written, meant, other) in table {
        let text = format!("Date;Text;Amount\n2024-01-31;a;{written}\n2024-01-31;b;{other}\n");
        assert_eq!(amounts(&text)[0], meant, "{written}");
    }
    // What two readings are open for is not read.
    let open = read(b"Date;Text;Amount\n2024-01-31;a;1.234\n2024-01-31;b;5\n", None);
    assert_eq!((open.statements.len(), open.problems[0].code.as_str()), (0, "ambiguous_file"));
}

#[test]
fn quirk_23_a_plus_on_a_card_is_a_payment_to_it() {
    // Holds: where only some amounts have a plus and none a minus, the others are spending.
    let text = "Date,Description,Amount(GBP)\n31/01/2024,COFFEE,£5.00\n\
                31/01/2024,PAYMENT RECEIVED,\"+ £1,100.00\"\n30/01/2024,TEA,£3.00\n";
    assert_eq!(amounts(text), ["-5.00", "1100.00", "-3.00"]);
}

#[test]
fn quirk_24_signs_by_pair_flag_and_word() {
    // Holds: a pair of columns in either order, a letter and a word each tell the direction.
    for text in [
        "Date,Text,Debit,Credit\n2024-01-31,a,5.00,\n2024-01-31,b,,3.00\n",
        "Date,Text,Credit,Debit\n2024-01-31,a,,5.00\n2024-01-31,b,3.00,\n",
        "Date,Text,Debit,Credit\n2024-01-31,a,-5.00,\n2024-01-31,b,,3.00\n",
        "Datum;Text;Umsatz;Soll/Haben\n31.01.2024;a;5,00;S\n31.01.2024;b;3,00;H\n",
        "Datum;Naam;Bedrag;Af Bij\n31-01-2024;a;5,00;Af\n31-01-2024;b;3,00;Bij\n",
        "Date,Text,Amount,Type\n2024-01-31,a,5.00,debit\n2024-01-31,b,3.00,credit\n",
        "Date,Text,Amount\n2024-01-31,a,5.00 DR\n2024-01-31,b,3.00 CR\n",
    ] {
        assert_eq!(amounts(text), ["-5.00", "3.00"], "{text}");
    }
}

#[test]
fn quirk_24_signs_turned_round_on_cards() {
    // Holds: positive amounts are spending where the layout is that of such a card, where the rows
    // say so, and where the running balance moves the other way.
    let layout = "Trans. Date,Post Date,Description,Amount,Category\n\
                  01/31/2024,01/31/2024,COFFEE,5.00,Restaurants\n\
                  01/30/2024,01/30/2024,PAYMENT,-3.00,Payments and Credits\n";
    assert_eq!(amounts(layout), ["-5.00", "3.00"]);
    let words = "Date,Text,Amount\n2024-01-31,COFFEE,5.00\n2024-01-31,TEA,1.00\n\
                 2024-01-30,PAYMENT THANK YOU,-3.00\n";
    assert_eq!(amounts(words), ["-5.00", "-1.00", "3.00"]);
    let balance = "Date,Text,Amount,Balance\n2024-01-31,a,5.00,95.00\n2024-01-31,b,1.00,94.00\n\
                   2024-01-31,c,-3.00,97.00\n2024-01-31,d,2.00,95.00\n";
    assert_eq!(amounts(balance), ["-5.00", "-1.00", "3.00", "-2.00"]);
}

#[test]
fn quirk_24_a_flag_wins_over_a_sign() {
    // Holds: where sign and flag contradict each other, the flag is right unless the running
    // balance says that a minus takes it back.
    let signed = "Datum;Text;Betrag;Soll/Haben;Saldo\n31.01.2024;a;-5,00;S;95,00\n\
                  31.01.2024;b;-3,00;H;98,00\n31.01.2024;c;-2,00;S;96,00\n";
    assert_eq!(amounts(signed), ["-5.00", "3.00", "-2.00"]);
    let reversal = "Datum;Text;Betrag;Soll/Haben;Saldo\n31.01.2024;a;5,00;S;95,00\n\
                    31.01.2024;a;-5,00;S;100,00\n31.01.2024;c;2,00;S;98,00\n";
    assert_eq!(amounts(reversal), ["-5.00", "5.00", "-2.00"]);
}

#[test]
fn quirk_25_dates() {
    // Holds: every way in which samples write dates means what its writer meant.
    let table = [
        ("2019.04.19.", "2019-04-19"),
        ("04 Nov 2009", "2009-11-04"),
        ("Nov 4, 2009", "2009-11-04"),
        ("4. November 09", "2009-11-04"),
        ("19.04.2019", "2019-04-19"),
        ("04/19/2019", "2019-04-19"),
        ("19/04/2019", "2019-04-19"),
        ("20190419", "2019-04-19"),
        ("2019-04-19 23:59:59 +0000", "2019-04-19"),
        ("2019-04-19T00:30:00-08:00", "2019-04-19"),
        ("1111/11/11", "1111-11-11"),
    ];
    for (written, meant) in table {
        let text = format!("Date;Text;Amount\n{written};a;-5.00\n");
        assert_eq!(rows(text.as_bytes()), [format!("{meant} -5.00 a")], "{written}");
    }
    let as_of = "Date,Text,Amount\n04/17/2023 as of 04/15/2023,a,-5.00\n";
    let parsed = read(as_of.as_bytes(), None);
    let row = parsed.statements[0].rows.get(0).unwrap();
    assert_eq!(row.booking_date.to_string(), "2023-04-17");
    assert_eq!(row.value_date.unwrap().to_string(), "2023-04-15");
}

#[test]
fn quirk_25_an_order_without_a_hint_is_not_guessed() {
    // Holds: dates that exist in both orders are a problem that names both; the profile answers,
    // and so does what is stated beside it, which is stronger.
    let text = "Date,Text,Amount\n03/04/2024,a,-5.00\n05/04/2024,b,-3.00\n";
    let open = read(text.as_bytes(), None);
    assert_eq!((open.statements.len(), open.problems.len()), (0, 1));
    let message = &open.problems[0].message;
    assert!(message.contains("2024-04-03") && message.contains("2024-03-04"), "{message}");
    for (order, day) in [("dmy", "2024-04-03"), ("mdy", "2024-03-04")] {
        let profile = format!(r#"{{"date_order":"{order}"}}"#);
        let parsed = read(text.as_bytes(), Some(&profile));
        assert_eq!(parsed.statements[0].rows.get(0).unwrap().booking_date.to_string(), day);
        for csv in [None, Some(r#"{"date_order":"ymd"}"#)] {
            let csv = csv.map(|json| serde_json::from_str::<CsvProfile>(json).unwrap());
            let date_order = serde_json::from_value(order.into()).unwrap();
            let options = ParseOptions { format: None, csv, date_order };
            let parsed = parse(text.as_bytes(), &options).unwrap();
            assert_eq!(parsed.statements[0].rows.get(0).unwrap().booking_date.to_string(), day);
        }
    }
}

#[test]
fn quirk_26_the_order_of_one_day() {
    // Holds: rows of one day keep the file's order, and the closing balance is that of the last
    // movement, whether the newest row stands first or last.
    let lines =
        ["2024-01-31,a,-5.00,95.00", "2024-01-31,b,-3.00,92.00", "2024-01-31,c,9.00,101.00"];
    let header = "Date,Text,Amount,Balance";
    let oldest_first = [header, lines[0], lines[1], lines[2]].join("\n");
    let newest_first = [header, lines[2], lines[1], lines[0]].join("\n");
    for (text, order) in [(oldest_first, "abc"), (newest_first, "cba")] {
        let parsed = read(text.as_bytes(), None);
        let statement = &parsed.statements[0];
        let found: String = statement.rows.iter().map(|row| row.description).collect();
        assert_eq!(found, order);
        assert_eq!(statement.closing_balance.unwrap().to_string(), "101.00", "{order}");
    }
}

#[test]
fn quirk_26_row_numbers_are_no_ids() {
    // Holds: a column that counts the rows of the download is no id of the transactions, upwards,
    // downwards and with gaps; numbers that are larger than the file are ids.
    let ids = |numbers: [&str; 3]| -> Vec<Option<String>> {
        let rows = numbers.map(|number| format!("{number},2024-01-31,coffee,-5.00"));
        let text = format!("ID,Date,Text,Amount\n{}\n", rows.join("\n"));
        let parsed = read(text.as_bytes(), None);
        assert_eq!(parsed.statements[0].rows.len(), 3, "{:?}", parsed.problems);
        let rows = parsed.statements[0].rows.iter();
        rows.map(|row| row.bank_id.or(row.reference).map(ToOwned::to_owned)).collect()
    };
    for numbers in [["1", "2", "3"], ["3", "2", "1"], ["0", "1", "2"], ["1", "2", "4"]] {
        assert_eq!(ids(numbers), [None, None, None], "{numbers:?}");
    }
    for numbers in [["4711", "4712", "4713"], ["1", "2", "9000001"], ["a1", "a2", "a3"]] {
        let expected = numbers.map(|number| Some(number.to_owned()));
        assert_eq!(ids(numbers), expected, "{numbers:?}");
    }
}
