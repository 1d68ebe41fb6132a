//! Swift, in a Debian trixie root of its own: bookworm has no Swift, and trixie's packages do
//! not install there. The root lies in the cache and is entered with `chroot`.
//!
//! Safety: deleting a root into which something of the host is mounted deletes it on the host.
//! So nothing of the host is ever mounted: files are copied in, `proc` is the only mount, and
//! it exists in a private mount namespace that ends with the command.

use std::path::{Path, PathBuf};

use crate::cache;
use crate::shell::{self, Cmd, Outcome};
use crate::tools::apt;

/// Change the number when the list of packages changes: the root is then made anew.
const ENTRY: &str = "swift-trixie-1";
const MIRROR: &str = "http://deb.debian.org/debian";
const PACKAGES: [&str; 3] = ["swiftlang", "libc6-dev", "libstdc++-14-dev"];

/// The root directory with Swift in it; made on first use (about 1 GB of download).
pub fn root() -> Outcome<PathBuf> {
    if !shell::is_root() {
        return Err("missing: a Debian trixie root with Swift can only be made as root".to_owned());
    }
    cache::entry(ENTRY, |dir| {
        apt::ensure(&["debootstrap", "util-linux"])?;
        // Also debootstrap mounts: in the private namespace nothing of that can stay behind.
        isolated()
            .args(["debootstrap", "--variant=minbase", "trixie"])
            .arg(dir)
            .arg(MIRROR)
            .run_quietly()?;
        devices(dir)?;
        let install = format!(
            "apt-get update && apt-get install -y --no-install-recommends {} && apt-get clean",
            PACKAGES.join(" ")
        );
        enter(dir, &install)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8")
            .run_quietly()?;
        enter(dir, "swiftc --version").run()
    })
}

/// The few devices that programs expect. In a container debootstrap only lends them from the host
/// while it runs; these are the root's own.
fn devices(root: &Path) -> Outcome {
    for (name, minor) in [("null", "3"), ("zero", "5"), ("random", "8"), ("urandom", "9")] {
        let node = root.join("dev").join(name);
        if !node.exists() {
            Cmd::new("mknod").args(["-m", "666"]).arg(&node).args(["c", "1", minor]).run()?;
        }
    }
    Ok(())
}

/// A shell command inside the root, with `proc` mounted while it runs.
pub fn enter(root: &Path, command: &str) -> Cmd {
    isolated()
        .args(["sh", "-c", r#"mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c "$1""#])
        .arg(root)
        .arg(command)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
}

fn isolated() -> Cmd {
    Cmd::new("unshare").args(["--mount", "--propagation", "private", "--"])
}
