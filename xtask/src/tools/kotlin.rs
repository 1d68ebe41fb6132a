//! The Kotlin compiler, a JDK and JNA. The compiler comes from the npm registry, which has the
//! whole of it with coroutines and the standard library, so no Maven repository is needed.

use std::path::PathBuf;

use crate::cache;
use crate::shell::{Cmd, Outcome};
use crate::tools::{apt, node};

const PACKAGE: &str = "kotlin-compiler@2.4.20";
const JNA: &str = "/usr/share/java/jna.jar";

/// A usable Kotlin for the JVM.
#[derive(Debug)]
pub struct Kotlin {
    home: PathBuf,
}

impl Kotlin {
    /// The compiler's start script.
    pub fn compiler(&self) -> PathBuf {
        self.home.join("bin/kotlinc")
    }

    /// What generated code and tests need at run time, as one class path.
    pub fn class_path(&self) -> String {
        let jars = ["kotlin-stdlib.jar", "kotlin-test.jar", "kotlinx-coroutines-core-jvm.jar"];
        let jars = jars.map(|jar| self.home.join("lib").join(jar).display().to_string());
        format!("{}:{JNA}", jars.join(":"))
    }
}

/// Kotlin, with the JDK and JNA installed.
pub fn ready() -> Outcome<Kotlin> {
    let mut packages = vec!["libjna-java"];
    if !has_java() {
        packages.push("openjdk-17-jdk-headless");
    }
    apt::ensure(&packages)?;
    let home = cache::entry(&PACKAGE.replace('@', "-"), |dir| {
        let node = node::packer()?;
        node::unpack(&node, PACKAGE, dir)?;
        Cmd::new("chmod").arg("+x").arg(dir.join("bin/kotlinc")).run()
    })?;
    Ok(Kotlin { home })
}

/// Whether there is a Java that is new enough (17).
fn has_java() -> bool {
    let said = Cmd::new("java").arg("--version").capture().unwrap_or_default();
    let major = said.split_whitespace().nth(1).and_then(|v| v.split('.').next());
    major.and_then(|m| m.parse::<u32>().ok()).is_some_and(|m| m >= 17)
}
