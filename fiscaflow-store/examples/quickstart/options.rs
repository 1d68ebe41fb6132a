//! The command line. Paths may be any bytes that the system allows, so nothing here asks for UTF-8
//! but the URL of the database.

use std::ffi::OsString;
use std::path::PathBuf;

use fiscaflow_core::BookId;
use fiscaflow_core::import::DateOrder;

/// How to use the program.
pub const USAGE: &str = "\
usage: quickstart [OPTION...] [--] [FILE...]
       quickstart verify --db URL|PATH [--book ID] [--json]

Imports statements (OFX, QFX, QIF, CSV, CAMT, MT940, Plaid's JSON) into one book, sorts them into
categories and verifies the history. Without a FILE it imports the statement that lies beside this
example, twice.

`verify` checks every book of a database: the history against its hashes, and everything that is
kept beside it against the history. Nothing is written, but that opening a database of an earlier
version brings its schema to this one. The code is 1 where something does not fit.

options
  --db URL|PATH          where the book lives: a file, `sqlite:PATH` or `memory:`;
                         without it a fresh file in cargo's target directory; a PostgreSQL URL
                         where the example is built with the feature `postgres`
  --date-order ORDER     how CSV and QIF files write dates, where that is open: dmy, mdy or ymd
  --book ID              only this book
  --json                 answer with one JSON object
  -h, --help             this text
  --                     what follows are files, whatever they begin with
";

/// What the command line asks for.
#[derive(Debug, Default)]
pub struct Options {
    /// The URL of the database; a fresh file where absent.
    pub db: Option<String>,
    /// Whether programs read the answer.
    pub json: bool,
    /// Whether only the usage is asked for.
    pub help: bool,
    /// Whether books are to be checked, and nothing else.
    pub verify: bool,
    /// The only book to be checked.
    pub book: Option<BookId>,
    /// How dates are written.
    pub date_order: Option<DateOrder>,
    /// The statements.
    pub files: Vec<PathBuf>,
}

/// Reads the command line; an error is a text for people.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Options, String> {
    let mut arguments = arguments.peekable();
    // A file of that name is `./verify`.
    let verify = arguments.next_if(|first| first == "verify").is_some();
    let mut options = Options { verify, ..Options::default() };
    while let Some(argument) = arguments.next() {
        let mut value = |name: &str| {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            value.into_string().map_err(|_| format!("the value of `{name}` is no UTF-8"))
        };
        match argument.to_str() {
            Some("--json") => options.json = true,
            Some("-h" | "--help") => options.help = true,
            Some("--db") => options.db = Some(url(value("--db")?)),
            Some("--book") if verify => {
                let id = value("--book")?.parse().map_err(|_| "`--book` needs the id of a book")?;
                options.book = Some(id);
            }
            Some("--date-order") if !verify => {
                options.date_order = Some(match value("--date-order")?.as_str() {
                    "dmy" => DateOrder::Dmy,
                    "mdy" => DateOrder::Mdy,
                    "ymd" => DateOrder::Ymd,
                    _ => return Err("`--date-order` is dmy, mdy or ymd".to_owned()),
                });
            }
            Some("--") if !verify => {
                options.files.extend(arguments.by_ref().map(PathBuf::from));
            }
            _ if argument.as_encoded_bytes().starts_with(b"-") => {
                return Err(format!("unknown option `{}`", argument.to_string_lossy()));
            }
            _ if verify => {
                return Err(format!("`verify` takes no `{}`", argument.to_string_lossy()));
            }
            _ => options.files.push(PathBuf::from(argument)),
        }
    }
    if verify && options.db.is_none() && !options.help {
        return Err("`verify` needs `--db`".to_owned());
    }
    Ok(options)
}

/// What `--db` means as a URL: what has no scheme is the path of a file. A single letter before a
/// colon is a drive of Windows.
fn url(text: String) -> String {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|it| it.len() > 1);
    let is_url = scheme.is_some_and(|it| it.chars().all(|c| c.is_ascii_alphanumeric()));
    if is_url { text } else { format!("sqlite:{text}") }
}
