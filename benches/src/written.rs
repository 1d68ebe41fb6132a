//! The data as files: `FORMAT/NUMBER.EXTENSION` for the statements, beside them the same kind of
//! rows as one plain table, what rules look for, and in `warm-up` a little of each. Runners of
//! other programs read them too, so what is compared is read from the same bytes.

use std::path::{Path, PathBuf};

use fiscaflow_core::Result;
use fiscaflow_core::import::Format;

use super::jobs::failed;
use super::{data, files, household, rules};

/// The most transactions of the files in `warm-up`.
const WARM_UP_ROWS: usize = 1_000;

const FORMATS: [Format; 5] = [Format::Ofx, Format::Csv, Format::Camt, Format::Mt940, Format::Qif];

/// Writes everything into a folder.
pub fn write(folder: &Path, n: usize, seed: u64) -> Result<()> {
    for (folder, n) in [(folder, n), (&folder.join("warm-up"), n.min(WARM_UP_ROWS))] {
        for format in FORMATS {
            statements(folder, format, n, seed)?;
        }
        save(&folder.join("transactions.csv"), &files::table(n, seed))?;
        save(&folder.join("payments.csv"), &household::table(n, seed))?;
    }
    for count in rules::SIZES {
        let needles = (0..count).map(|place| data::needle(place) + "\n").collect::<String>();
        save(&folder.join(format!("rules-{count}.txt")), needles.as_bytes())?;
    }
    Ok(())
}

/// Writes the statements of one format; where they are.
pub fn statements(folder: &Path, format: Format, n: usize, seed: u64) -> Result<Vec<PathBuf>> {
    let extension = match format {
        Format::Camt => "xml",
        Format::Mt940 => "sta",
        other => other.as_str(),
    };
    let folder = folder.join(format.as_str());
    std::fs::create_dir_all(&folder).map_err(|_| failed("a folder cannot be made"))?;
    let mut paths = Vec::new();
    for (number, content) in files::statements(format, n, seed).into_iter().enumerate() {
        let path = folder.join(format!("{number:03}.{extension}"));
        save(&path, &content)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Where the statements of one format are that were written before.
pub fn found(folder: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder.join(format.as_str()))
        .map_err(|_| failed("no such data: write it with `data`"))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn save(path: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).map_err(|_| failed("a file cannot be written"))
}
