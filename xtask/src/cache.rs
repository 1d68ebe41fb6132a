//! The cache: tools and build trees that are dear to make and must outlive a clone. It lies
//! outside the repository, in `$FISCAFLOW_CACHE`, else in the user's cache directory.
//!
//! Everything in it appears whole or not at all: it is made under a temporary name and renamed,
//! under a file lock, so that neither an interruption nor a second run leaves half a tool.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::shell::{Cmd, Outcome};

/// The cache directory; created when missing.
pub fn dir() -> Outcome<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let dir = var("FISCAFLOW_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("fiscaflow")))
        .or_else(|| var("HOME").map(|d| d.join(".cache/fiscaflow")))
        .ok_or("no cache directory: set FISCAFLOW_CACHE")?;
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    dir.canonicalize().map_err(|e| format!("{}: {e}", dir.display()))
}

/// The path of `name` in the cache, made by `make` if it is not there yet.
///
/// `name` carries the version: a new version is a new entry. `make` receives a directory that is
/// empty; what it leaves there becomes the entry when it answers `Ok`.
pub fn entry(name: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    entry_in(&dir()?, name, make)
}

fn entry_in(cache: &Path, name: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    let whole = cache.join(name);
    if whole.exists() {
        return Ok(whole);
    }
    let _lock = lock(cache, name)?;
    if whole.exists() {
        return Ok(whole);
    }
    let partial = cache.join(format!("{name}.partial"));
    remove(&partial)?;
    fs::create_dir_all(&partial).map_err(|e| format!("{}: {e}", partial.display()))?;
    println!("   making {}", whole.display());
    make(&partial)?;
    fs::rename(&partial, &whole).map_err(|e| format!("{}: {e}", whole.display()))?;
    Ok(whole)
}

/// Holds `name` for this process until the answer is dropped; waits for other holders.
pub fn lock(cache: &Path, name: &str) -> Outcome<File> {
    let path = cache.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    if file.try_lock().is_err() {
        println!("   waiting for another run that holds {}", path.display());
        file.lock().map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(file)
}

/// Deletes a directory tree, but refuses when anything is mounted below it: deleting through a
/// mount would delete somebody else's files.
pub fn remove(tree: &Path) -> Outcome {
    if !tree.exists() {
        return Ok(());
    }
    let tree = tree.canonicalize().map_err(|e| format!("{}: {e}", tree.display()))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if let Some(point) = mount_below(&mounts, &tree) {
        return Err(format!("{} is not removed: {point} is mounted in it", tree.display()));
    }
    // `rm` and not the standard library: it stays on one file system even if a mount appears.
    Cmd::new("rm").args(["-rf", "--one-file-system", "--"]).arg(&tree).capture().map(drop)
}

/// The first mount point at or below `tree` in the text of a `mountinfo` file.
fn mount_below(mountinfo: &str, tree: &Path) -> Option<String> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    // The kernel writes a space as `\040`.
    points.map(|p| p.replace("\\040", " ")).find(|p| Path::new(p).starts_with(tree))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn an_entry_is_made_once_and_only_whole() {
        let cache = Scratch::new();
        let failed = entry_in(cache.path(), "tool-1", |dir| {
            fs::write(dir.join("half"), "x").unwrap();
            Err("interrupted".to_owned())
        });
        assert_eq!(failed.unwrap_err(), "interrupted");
        assert!(!cache.path().join("tool-1").exists());

        let made = entry_in(cache.path(), "tool-1", |dir| {
            assert!(!dir.join("half").exists(), "leftovers of the first try are gone");
            fs::write(dir.join("bin"), "x").map_err(|e| e.to_string())
        });
        assert!(made.unwrap().join("bin").is_file());
        entry_in(cache.path(), "tool-1", |_| Err("made twice".to_owned())).unwrap();
    }

    #[test]
    fn a_tree_with_a_mount_in_it_is_not_removed() {
        let info = "36 35 98:0 / /a/b/proc rw,noatime shared:1 - proc proc rw\n";
        assert_eq!(mount_below(info, Path::new("/a/b")).as_deref(), Some("/a/b/proc"));
        assert_eq!(mount_below(info, Path::new("/a/bb")), None);
        let spaced = "36 35 98:0 / /a/b\\040c/proc rw - proc proc rw\n";
        assert_eq!(mount_below(spaced, Path::new("/a/b c")).as_deref(), Some("/a/b c/proc"));
    }
}
