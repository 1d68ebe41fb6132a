//! A throwaway RabbitMQ: one broker for a test, with its own name, ports, cookie and files, and no
//! plugins.
//!
//! The broker does not run as root: then it runs as the user `rabbitmq`, whom its package makes. A
//! shell waits for the end of the test process, however it ends, and takes the broker, the port
//! mapper that Erlang starts for it, and its files away.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The user that the broker runs as where the tests run as root.
const USER: &str = "rabbitmq";
/// Where Debian keeps the broker's own script, which asks for no user.
const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A broker, which may be killed and started again.
pub struct Broker {
    folder: PathBuf,
    ports: [u16; 3],
    /// The shell that waits for our end. Its input closes with us.
    watch: Option<Child>,
}

/// Starts the broker as a group of its own and waits for a line, to kill it, or for the end of the
/// input: then its port mapper and its files go, too.
const WATCH: &str = r#"
setsid "$1" </dev/null >>log 2>&1 & broker=$!
echo $broker >pid
trap '' HUP INT TERM
read -r _; ended=$?
kill -KILL -$broker 2>/dev/null; wait $broker 2>/dev/null
[ $ended = 0 ] && exit
tries=0
while [ $tries -lt 100 ] && epmd -names >/dev/null 2>&1; do
    epmd -kill >/dev/null 2>&1 || sleep 0.1
    tries=$((tries + 1))
done
cd / && rm -rf "$2"
"#;

impl Broker {
    /// A broker that answers.
    pub fn start() -> Self {
        assert!(Path::new(SCRIPT).is_file(), "RabbitMQ is not installed: there is no {SCRIPT}");
        let folder = tempfile::Builder::new().prefix("fiscaflow-mq-").tempdir().unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.join("plugins"), "[].").unwrap();
        // Erlang's nodes know each other by it: a fresh one knows nobody.
        let cookie = folder.join(".erlang.cookie");
        std::fs::write(&cookie, uuid::Uuid::from_u128(folder_number(&folder)).to_string()).unwrap();
        std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o400)).unwrap();
        if let Some((uid, gid)) = user(&folder) {
            for path in [&folder, &cookie, &folder.join("plugins")] {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let mut broker = Self { folder, ports: [0; 3], watch: None };
        // A port may be taken before the broker has it.
        for _ in 0..5 {
            broker.ports = [free_port(), free_port(), free_port()];
            if broker.run() {
                return broker;
            }
        }
        panic!("the broker does not start: {}", broker.log());
    }

    /// Where it listens, as its first user.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports[0])
    }

    /// Kills it, as a machine that fails would.
    pub fn kill(&mut self) {
        let mut watch = self.watch.take().expect("it runs");
        watch.stdin.take().unwrap().write_all(b"\n").unwrap();
        watch.wait().unwrap();
    }

    /// Starts it again after it was killed, with the messages that it had.
    pub fn restart(&mut self) {
        for _ in 0..5 {
            if self.run() {
                return;
            }
        }
        panic!("the broker does not start again: {}", self.log());
    }

    /// Starts it and waits until it takes connections; false where it ends before.
    fn run(&mut self) -> bool {
        let mut shell = self.command("/bin/sh");
        shell.args(["-c", WATCH, "sh", SCRIPT]).arg(&self.folder).stdin(Stdio::piped());
        let before = self.starts();
        _ = std::fs::remove_file(self.folder.join("pid"));
        let mut watch = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..9_000 {
            if self.starts() > before {
                self.watch = Some(watch);
                return true;
            }
            let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
            let lives = Path::new("/proc").join(pid.trim()).exists();
            if watch.try_wait().unwrap().is_some() || !lives {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        watch.stdin.take().unwrap().write_all(b"\n").unwrap();
        watch.wait().unwrap();
        false
    }

    /// How often it has said that it is ready.
    fn starts(&self) -> usize {
        self.log().matches("Server startup complete").count()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A command in the broker's folder, by its user, with nothing of the machine's own broker.
    fn command(&self, program: &str) -> Command {
        let [port, distribution, mapper] = self.ports;
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear().env("HOME", &self.folder);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command.env("RABBITMQ_NODENAME", format!("test{}@localhost", folder_number(&self.folder)));
        command.env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_NODE_PORT", port.to_string());
        command.env("RABBITMQ_DIST_PORT", distribution.to_string());
        command.env("ERL_EPMD_PORT", mapper.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_MNESIA_BASE", self.folder.join("data"));
        command.env("RABBITMQ_LOG_BASE", self.folder.join("logs")).env("RABBITMQ_LOGS", "-");
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", self.folder.join("plugins"));
        for none in ["CONFIG_FILE", "ADVANCED_CONFIG_FILE", "CONF_ENV_FILE"] {
            command.env(format!("RABBITMQ_{none}"), self.folder.join("none"));
        }
        if let Some((uid, gid)) = user(Path::new("/proc/self")) {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            _ = watch.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A number that no other folder of a broker has.
fn folder_number(folder: &Path) -> u128 {
    u128::from(folder.metadata().unwrap().ino())
}

/// The ids of the broker's user, where that is another than who owns a path: root.
fn user(path: &Path) -> Option<(u32, u32)> {
    if path.metadata().unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let entry = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = entry.filter(|parts| parts.first() == Some(&USER));
    let parts = found.next().expect("RabbitMQ is not installed: there is no user `rabbitmq`");
    let number = |place: usize| parts.get(place)?.parse::<u32>().ok();
    number(2).zip(number(3))
}
