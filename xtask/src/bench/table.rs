//! The closing table of a job, in Markdown: what each program took, and how many times the speed
//! of each peer ours is.

#![allow(clippy::float_arithmetic, reason = "seconds and rates, never money")]

use serde_json::{Value, json};

use crate::shell::Outcome;

/// A program's line, or why there is none.
#[derive(Debug)]
pub struct Row {
    /// The program.
    pub peer: &'static str,
    /// What it printed in its median run.
    pub line: Outcome<Value>,
}

/// The line of the median time.
pub fn median(mut lines: Vec<Value>) -> Outcome<Value> {
    lines.sort_by(|left, right| number(left, "seconds").total_cmp(&number(right, "seconds")));
    let repeat = lines.len();
    let mut line = lines.into_iter().nth(repeat / 2).ok_or("printed no line")?;
    if let Value::Object(members) = &mut line {
        members.insert("repeat".to_owned(), json!(repeat));
    }
    Ok(line)
}

/// The table of a job; the first row is ours.
pub fn markdown(job: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "| `{job}` | version | items | seconds | per second | memory | ours is |\n\
         |---|---|---|---|---|---|---|\n"
    );
    let ours = rows.first().and_then(|row| row.line.as_ref().ok());
    for Row { peer, line } in rows {
        let cells = match line {
            Ok(line) => cells(line, ours),
            Err(problem) => format!("| | | | | {}", problem.replace('|', "/")),
        };
        text += &format!("| {peer} | {cells} |\n");
    }
    text + "\n"
}

fn cells(line: &Value, ours: Option<&Value>) -> String {
    let rate = |line: &Value| number(line, "items") / number(line, "seconds");
    let times = ours.filter(|ours| *ours != line).map(|ours| {
        // Who reads another number of rows or other amounts has done other work.
        let other = |name: &&str| {
            let told = [line, ours].map(|it| it.get(name).filter(|value| !value.is_null()));
            matches!(told, [Some(theirs), Some(our)] if theirs != our)
        };
        let differs = ["items", "sum"].into_iter().filter(other);
        let differs: String = differs.map(|name| format!("; other {name}")).collect();
        format!("{:.1} times as fast{differs}", rate(ours) / rate(line))
    });
    let accuracy = line.get("accuracy").and_then(Value::as_f64);
    let accuracy = accuracy.map(|share| format!("accuracy {share:.3}"));
    let last: Vec<String> = times.into_iter().chain(accuracy).collect();
    // Some figures take microseconds.
    let seconds = number(line, "seconds");
    let places = if seconds < 0.1 { 6 } else { 3 };
    format!(
        "{} | {} | {seconds:.places$} | {} | {:.1} MB | {}",
        line.get("version").and_then(Value::as_str).unwrap_or_default(),
        thousands(number(line, "items")),
        thousands(rate(line)),
        number(line, "peak_bytes") / 1e6,
        last.join("; "),
    )
}

fn number(line: &Value, name: &str) -> f64 {
    line.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// A whole number with its thousands apart.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(peer: &str, items: u64, seconds: f64, sum: Value) -> Value {
        json!({ "peer": peer, "version": "1", "items": items, "seconds": seconds,
                "peak_bytes": 2_000_000, "sum": sum })
    }

    /// Holds: the median run is told, not the first, the last or a mean.
    #[test]
    fn the_median_run_counts() {
        let lines = [3.0, 1.0, 9.0].map(|seconds| line("x", 5, seconds, Value::Null));
        let told = median(lines.to_vec()).unwrap();
        assert_eq!((told["seconds"].as_f64(), told["repeat"].as_u64()), (Some(3.0), Some(3)));
        median(Vec::new()).unwrap_err();
    }

    /// Holds: a peer that read other rows or amounts than we did is not compared in silence.
    #[test]
    fn a_table_tells_ratios_and_differences() {
        let rows = [
            ("fiscaflow", Ok(line("fiscaflow", 100_000, 0.1, json!("1.00")))),
            ("same", Ok(line("same", 100_000, 0.2, json!("1.00")))),
            ("silent", Ok(line("silent", 100_000, 0.05, Value::Null))),
            ("wrong", Ok(line("wrong", 99_999, 1.0, json!("2.00")))),
            ("slow", Err("not within 5 s".to_owned())),
        ];
        let table = markdown("parse-x", &rows.map(|(peer, line)| Row { peer, line }));
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(lines[0], "| fiscaflow | 1 | 100,000 | 0.100 | 1,000,000 | 2.0 MB |  |");
        assert!(lines[1].ends_with("| 2.0 times as fast |"), "{}", lines[1]);
        assert!(lines[2].ends_with("| 0.5 times as fast |"), "{}", lines[2]);
        assert!(lines[3].ends_with("times as fast; other items; other sum |"), "{}", lines[3]);
        assert_eq!(lines[4], "| slow | | | | | | not within 5 s |");
    }

    /// Holds: thousands are grouped from the right.
    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [7.0, 1_234.4, 100_000.0, 1_234_567.0].map(thousands).join(" "),
            "7 1,234 100,000 1,234,567"
        );
    }
}
