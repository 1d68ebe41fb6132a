//! Starting other programs. Every command is shown before it runs, has no standard input and
//! answers with a sentence that names it when it fails, so that a log reads as a script that
//! can be repeated by hand.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a step of this tool answers: a value, or a sentence for the reader.
pub type Outcome<T = ()> = Result<T, String>;

/// A command line that is about to run.
#[derive(Debug)]
pub struct Cmd {
    inner: Command,
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    /// Whether the exit code was zero.
    pub ok: bool,
    /// Standard output and standard error, line by line as they arrived.
    pub text: String,
}

impl Cmd {
    /// A command without arguments, in the current directory.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(program);
        inner.stdin(Stdio::null());
        Self { inner }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.inner.args(args);
        self
    }

    /// Runs in `dir`.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.inner.current_dir(dir);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Runs with the output passed through; fails unless the exit code is zero.
    pub fn run(mut self) -> Outcome {
        self.announce();
        let status = self.inner.status().map_err(|e| format!("{}: {e}", self.line()))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` ended with {status}", self.line()))
        }
    }

    /// Runs a command that says much and matters only when it fails: then all of it is shown.
    pub fn run_quietly(mut self) -> Outcome {
        self.announce();
        let out = self.inner.output().map_err(|e| format!("{}: {e}", self.line()))?;
        if out.status.success() {
            return Ok(());
        }
        for stream in [&out.stdout, &out.stderr] {
            println!("{}", String::from_utf8_lossy(stream).trim_end());
        }
        Err(format!("`{}` ended with {}", self.line(), out.status))
    }

    /// Runs silently and returns standard output; fails unless the exit code is zero.
    pub fn capture(mut self) -> Outcome<String> {
        let out = self.inner.output().map_err(|e| format!("{}: {e}", self.line()))?;
        if !out.status.success() {
            let text = String::from_utf8_lossy(&out.stderr);
            return Err(format!("`{}` ended with {}: {}", self.line(), out.status, text.trim()));
        }
        String::from_utf8(out.stdout).map_err(|_| format!("`{}` printed no UTF-8", self.line()))
    }

    /// Runs with the output passed through and kept; a non-zero exit code is not an error here.
    pub fn tee(mut self) -> Outcome<Finished> {
        self.announce();
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.inner.spawn().map_err(|e| format!("{}: {e}", self.line()))?;
        let kept = Arc::new(Mutex::new(String::new()));
        let out = child.stdout.take().map(|s| pump(s, std::io::stdout(), Arc::clone(&kept)));
        let err = child.stderr.take().map(|s| pump(s, std::io::stderr(), Arc::clone(&kept)));
        for reader in [out, err].into_iter().flatten() {
            reader.join().map_err(|_| "a reader of a command's output failed".to_owned())?;
        }
        let status = child.wait().map_err(|e| format!("{}: {e}", self.line()))?;
        let text = kept.lock().map_err(|_| "a reader of a command's output failed")?.clone();
        Ok(Finished { ok: status.success(), text })
    }

    /// The command as one would type it.
    fn line(&self) -> String {
        let words = std::iter::once(self.inner.get_program()).chain(self.inner.get_args());
        words.map(quote).collect::<Vec<_>>().join(" ")
    }

    fn announce(&self) {
        let place = self.inner.get_current_dir().map(|d| format!("({}) ", d.display()));
        // The search path is long and says little.
        let set = self.inner.get_envs().filter(|(name, _)| *name != "PATH");
        let set = set.filter_map(|(name, value)| {
            Some(format!("{}={} ", name.to_string_lossy(), quote(value?)))
        });
        let set: String = set.collect();
        println!("   $ {}{set}{}", place.unwrap_or_default(), self.line());
    }
}

/// Copies a stream line by line to `to` and into `kept`.
fn pump(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    kept: Arc<Mutex<String>>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(n) if n > 0) {
            // A closed terminal must not stop the command that is being watched.
            let _ = to.write_all(&line).and_then(|()| to.flush());
            if let Ok(mut kept) = kept.lock() {
                kept.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    })
}

fn quote(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Where a program is found on the search path, if anywhere.
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file())
}

/// The search path with `dir` in front.
pub fn path_with(dir: &Path) -> Outcome<OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(dir.to_path_buf()).chain(std::env::split_paths(&old));
    std::env::join_paths(dirs).map_err(|e| e.to_string())
}

/// Whether this process may install packages and change its root directory.
pub fn is_root() -> bool {
    Cmd::new("id").arg("-u").capture().is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_keeps_both_streams_and_its_verdict() {
        let done = Cmd::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).tee().unwrap();
        assert!(!done.ok);
        assert!(done.text.contains("out\n") && done.text.contains("err\n"));
    }

    #[test]
    fn a_failure_names_the_command() {
        let said = Cmd::new("sh").args(["-c", "exit 4"]).run().unwrap_err();
        assert!(said.starts_with("`sh -c 'exit 4'` ended with"), "{said}");
        assert!(Cmd::new("no-such-program").capture().unwrap_err().starts_with("no-such-program:"));
    }

    #[test]
    fn commands_have_no_standard_input() {
        assert_eq!(Cmd::new("cat").capture().unwrap(), "");
    }
}
