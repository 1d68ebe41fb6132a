//! Debian packages: installed when they are missing and this is root, named otherwise.

use std::sync::Once;

use crate::shell::{self, Cmd, Outcome};

/// Makes sure that Debian packages are installed.
pub fn ensure(packages: &[&str]) -> Outcome {
    let missing: Vec<&str> = packages.iter().copied().filter(|p| !is_installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !shell::is_root() || shell::find("apt-get").is_none() {
        return Err(format!("missing: run `apt-get install {}` as root", missing.join(" ")));
    }
    static UPDATE: Once = Once::new();
    // Lists that cannot be refreshed may still be good enough: the installation decides.
    UPDATE.call_once(|| {
        let _ = apt().arg("update").run_quietly();
    });
    apt().args(["install", "-y", "--no-install-recommends"]).args(&missing).run_quietly()
}

fn is_installed(package: &str) -> bool {
    let status = Cmd::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]).capture();
    status.is_ok_and(|s| s == "installed")
}

/// `apt-get` without questions, which waits for another package manager instead of failing.
fn apt() -> Cmd {
    Cmd::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3"])
        .args(["-o", "Dpkg::Use-Pty=0"])
}
