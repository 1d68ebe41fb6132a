//! What files of banks beyond the collection taught, each in a few rows of our own.

use super::*;

/// The rows of a file that must have no problem: day, amount, description.
fn rows(text: &str) -> Vec<String> {
    let parsed = read(text.as_bytes(), None);
    assert_eq!(parsed.problems, [], "{text}");
    let rows = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
    rows.map(|row| format!("{} {} {}", row.booking_date, row.amount, row.description)).collect()
}

fn accounts(text: &str) -> Vec<Option<String>> {
    read(text.as_bytes(), None).statements.into_iter().map(|statement| statement.account).collect()
}

#[test]
fn a_column_of_money_in_alone_has_signs() {
    // Holds: where only money in has a column, less than nothing came in means that it went out,
    // whether one row says so or all.
    let both = "Date,Payee,Inflow\n2024-01-31,a,-5.00\n2024-01-30,b,3.00\n2024-01-30,c,-1.00\n";
    assert_eq!(rows(both), ["2024-01-31 -5.00 a", "2024-01-30 3.00 b", "2024-01-30 -1.00 c"]);
    let out = "Date,Payee,Inflow\n2024-01-31,a,-5.00\n2024-01-30,b,-3.00\n";
    assert_eq!(rows(out), ["2024-01-31 -5.00 a", "2024-01-30 -3.00 b"]);
    // Of money out alone, a minus may be a reversal as well as nothing.
    let parsed = read(
        b"Date,Payee,Outflow\n2024-01-31,a,-5.00\n2024-01-30,b,3.00\n2024-01-29,c,4.00\n",
        None,
    );
    let problems: Vec<_> = parsed.problems.iter().map(|it| (it.code.as_str(), it.line)).collect();
    assert_eq!(problems, [("ambiguous_file", Some(2))]);
}

#[test]
fn signs_tell_two_columns_without_header_apart() {
    // Holds: of two columns that are never filled together, the one in which all is negative is
    // money out, on either side.
    let left =
        "31/01/2024,Check 12,-$5.00,\"\",\"$95.00\"\n30/01/2024,Pay,\"\",+$3.00,\"$100.00\"\n";
    assert_eq!(rows(left), ["2024-01-31 -5.00 Check 12", "2024-01-30 3.00 Pay"]);
    let right = "31/01/2024,Pay,$3.00,\n30/01/2024,Check 12,,-$5.00\n";
    assert_eq!(rows(right), ["2024-01-31 3.00 Pay", "2024-01-30 -5.00 Check 12"]);
}

#[test]
fn kinds_beside_signed_amounts_are_no_directions() {
    // Holds: a column in which `CHECK` stands beside `DEBIT` and `CREDIT` tells the kind, and the
    // signs tell the direction, even where they contradict the kind; the time of OFX is a date.
    let text = "DEBIT,20240131120000[0:GMT],a shop,-5.00\nCHECK,20240131120000[0:GMT],b,-1.00\n\
                CREDIT,20240130120000[-5:EST],c,3.00\nDEBIT,20240130120000[-5:EST],d,0.23\n";
    let days: Vec<String> = rows(text)
        .iter()
        .map(|row| row.chars().take(16).collect::<String>().trim().to_owned())
        .collect();
    assert_eq!(
        days,
        ["2024-01-31 -5.00", "2024-01-31 -1.00", "2024-01-30 3.00", "2024-01-30 0.23"]
    );
    // Where the kinds are all directions, and the amounts have no sign, they are needed.
    let text = "DEBIT,2024-01-31,a shop,5.00\nCREDIT,2024-01-30,c,3.00\n";
    assert!(rows(text)[0].starts_with("2024-01-31 -5.00"));
}

#[test]
fn a_lost_quote_does_not_make_another_account() {
    // Holds: a row whose first quote was lost on its way belongs to the account of the others.
    let text = "\"IBAN\",\"Datum\",\"Bedrag\",\"Naam\"\n\
                \"NL91ABNA0417164300\",\"2024-01-31\",\"-5,00\",\"a\"\n\
                NL91ABNA0417164300\",\"2024-01-30\",\"+3,00\",\"b\"\n";
    assert_eq!(accounts(text), [Some("NL91ABNA0417164300".to_owned())]);
    assert_eq!(rows(text), ["2024-01-31 -5.00 a", "2024-01-30 3.00 b"]);
}

#[test]
fn cards_of_customers_are_no_accounts() {
    // Holds: a shop's payments lie in one statement, however many cards they were paid with.
    let text = "id,Created,Amount,Currency,Customer ID,Card ID\n\
                ch_1,2024-01-31 10:00,25.00,eur,cus_1,pm_1\n\
                ch_2,2024-01-31 11:00,27.50,eur,cus_2,pm_2\n";
    assert_eq!(accounts(text), [None]);
    let own = "Card ID,Date,Text,Amount\n5555444433332222,2024-01-31,a,-5.00\n";
    assert_eq!(accounts(own), [Some("5555444433332222".to_owned())]);
}

#[test]
fn a_layout_of_a_card_turns_the_signs() {
    // Holds: PC Financial writes what was bought as positive amounts.
    let text = "\"Merchant Name\",\"Card Used For Transaction\",\"Date\",\"Time\",\"Amount\"\n\
                \"Shop\",\"**** 1234\",\"01/31/2024\",\"06:50 PM\",\"5.00\"\n";
    assert!(rows(text)[0].starts_with("2024-01-31 -5.00"));
}

#[test]
fn accounts_may_be_named_in_words_behind_the_payee() {
    // Holds: programs that know several accounts name them; a number there is the payee's, and a
    // path is a category.
    let file = |first: &str, second: &str| {
        format!(
            "Date,Name,Amount,Category,Account\n2024-01-31,a,-5.00,Food,{first}\n\
             2024-01-30,b,3.00,Pay,{second}\n"
        )
    };
    let named = [Some("Checking".to_owned()), Some("Card".to_owned())];
    assert_eq!(accounts(&file("Checking", "Card")), named);
    assert_eq!(accounts(&file("12345678", "87654321")), [None]);
    assert_eq!(accounts(&file("Expenses:Food", "Income:Pay")), [None]);
}

#[test]
fn a_summary_is_a_description() {
    // Holds: the only text that a row has is kept, whatever blank columns of notes stand behind it.
    let text = "Date,Summary,Withdrawal,Deposit,Ending balance,Notes\n\
                2024-01-31,Lunch,5.00,,95.00,\n2024-01-30,Pay,,3.00,100.00,\n";
    assert_eq!(rows(text), ["2024-01-31 -5.00 Lunch", "2024-01-30 3.00 Pay"]);
}

#[test]
fn a_balance_that_something_else_moves_belongs_to_no_column() {
    // Holds: where the balance also moves in rows that leave a column of amounts empty, that column
    // is not the only one of amounts; without a header that is told, and no row is left out.
    let text = "2003-01-01,Coffee,\"72,067\",,\"-71,067\"\n\
        2003-01-01,Coffee,\"928,841\",,\"-999,908\"\n\
        2003-01-01,Coffee,92,,\"-1,000,000\"\n2003-01-01,Coffee,,1,\"-999,999\"\n";
    let parsed = read(text.as_bytes(), None);
    assert_eq!(parsed.statements, []);
    assert_eq!(parsed.problems[0].code.as_str(), "ambiguous_file");
}
