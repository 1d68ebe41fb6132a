//! What is reported, what is refused, and what is neither.

use super::*;

#[test]
fn broken_transactions_are_left_out_and_named() {
    // Holds: each fault gives its code, line and field, and those around it are still read.
    let whole = transaction("").replace(", ", ",\n");
    let table: [(&str, &str, &[&str]); 15] = [
        ("5.40", "null", &["malformed_file 4 amount"]),
        ("\"amount\": 5.40,", "", &["malformed_file 4 amount"]),
        ("5.40", "\"12..34\"", &["invalid_amount 5 amount"]),
        ("5.40", "\"1,234\"", &["invalid_amount 5 amount"]),
        ("5.40", "true", &["invalid_amount 5 amount"]),
        ("5.40", "[5.40]", &["invalid_amount 5 amount"]),
        ("5.40", "1-2", &["invalid_amount 5 amount"]),
        ("5.40", "1e30", &["amount_overflow 5 amount"]),
        ("5.40", "5.40,\n\"amount\": 5.41", &["ambiguous_file 6 amount"]),
        ("5.40", "5.40,\n\"amount\": 5.4", &[]),
        ("\"2024-01-31\"", "null", &["malformed_file 4 date"]),
        ("2024-01-31", "2024-02-30", &["invalid_date 6 date"]),
        ("2024-01-31", "01/31/2024", &["invalid_date 6 date"]),
        ("\"2024-01-31\"", "20240131", &["invalid_date 6 date"]),
        ("2024-01-31", "2024-01-31\",\n\"date\": \"2024-01-30", &["ambiguous_file 7 date"]),
    ];
    for (from, to, expected) in table {
        assert!(whole.contains(from), "{from}");
        let list = [transaction(""), whole.replacen(from, to, 1), transaction("")].join(",\n");
        let parsed = read(&answer(&list)).unwrap();
        assert_eq!(problems(&parsed), expected, "{from} -> {to}");
        let read = if expected.is_empty() { 3 } else { 2 };
        assert_eq!(rows(&parsed).len(), read, "{from} -> {to}");
    }
    let parsed = read(&answer("{\n}")).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 3 amount", "malformed_file 3 date"]);
    let parsed = read(&answer(&format!("{}, 7, null", transaction("")))).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 3 transactions"; 2]);
    assert_eq!(rows(&parsed).len(), 1);
}

#[test]
fn what_is_no_json_ends_the_reading() {
    // Holds: a fault of the text is named with its line, and what stands before it is read.
    let list =
        [transaction(""), transaction("").replace("5.40", "5.40;"), transaction("")].join(",\n");
    let parsed = read(&answer(&list)).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 4 content"]);
    assert_eq!(rows(&parsed).len(), 1);
    for (text, line) in [
        ("", 1),
        ("hello", 1),
        ("{}", 1),
        ("[1, 2]", 1),
        ("{\"accounts\":\n[", 2),
        ("{\n\n\"a\": tru}", 3),
        ("{\"categories\": []}", 1),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedFile, "{text}");
        assert_eq!(error.at_line(), Some(line), "{text}");
    }
}

#[test]
fn hostile_files_are_refused() {
    // Holds: number and depth end the reading, with an error or with a problem.
    let full = answer(&vec![transaction(""); MAX_FILE_ROWS].join(","));
    assert_eq!(rows(&read(&full).unwrap()).len(), MAX_FILE_ROWS);
    let accounts: Vec<String> =
        (0..=MAX_FILE_ROWS).map(|id| format!("{{\"account_id\":\"{id}\"}}")).collect();
    for text in [
        answer(&vec![transaction(""); MAX_FILE_ROWS + 1].join(",")),
        format!("{{\"accounts\":[{}]}}", accounts.join(",")),
        format!("{{\"removed\":[{}]}}", accounts.join(",")),
        format!("{{\"override_accounts\":[{}]}}", ["{}"].repeat(MAX_FILE_ROWS + 1).join(",")),
    ] {
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LimitExceeded, "{:.60}", text);
        assert!(error.at_line().is_some());
    }
    let deep = "[".repeat(100_000);
    let parsed = read(&answer(&transaction(&format!("\"x\": {deep}")))).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 3 content"]);
    assert_eq!(read(&deep).unwrap_err().code(), ErrorCode::MalformedFile);
}

#[test]
fn reading_takes_time_in_proportion_to_the_file() {
    // Holds: no pattern of a large file makes the reader go over it again and again.
    const BYTES: usize = 1 << 19;
    let repeat = |piece: &str| piece.repeat(BYTES / piece.len());
    for piece in [
        "{",
        "[",
        "\"",
        "\\",
        "\\\"",
        "\\u0041",
        "{\"a\":",
        "[],",
        "{},",
        "\"a\",",
        "{\"amount\":1},",
        "\n",
        "\"transactions\":[],",
        "\"accounts\":[],",
        "{\"account_id\":\"\"},",
        "1,",
        "-",
        "e",
    ] {
        let _ = read(&repeat(piece));
        let _ = read(&format!("{{{}", repeat(piece)));
        let _ = read(&answer(&repeat(piece)));
        let _ = read(&answer(&transaction(&format!("\"name\": \"{}", repeat(piece)))));
        let _ = detect(repeat(piece).as_bytes());
    }
    let waiting = format!("{{{}\"accounts\": []}}", repeat("\"added\": [{\"amount\": 1}],\n"));
    assert!(read(&waiting).is_ok_and(|parsed| !parsed.problems.is_empty()));
}
