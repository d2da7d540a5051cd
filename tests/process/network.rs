//! Networks of their own for a test and an instance, joined by a wire that can be unplugged.

use std::process::Command;

use super::Instance;
use crate::is_there;

/// Runs what follows as root of a network of its own.
const OWN: [&str; 8] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    "ip link set lo up && exec \"$@\"",
    "sh",
];

/// What an instance does before it serves: it lays a wire from its own network to that of the
/// process that started it.
const LAY: &str = "ip link set lo up \
    && ip link add far type veth peer name near netns $PPID \
    && ip addr add 10.77.0.2/24 dev far \
    && ip link set far up \
    && exec \"$@\"";

/// What runs a test in a network of its own, if this machine gives networks to everybody. If not,
/// it says so, as [`is_there`] does.
///
/// # Panics
/// As [`is_there`].
pub fn own_network() -> Option<&'static [&'static str]> {
    let can_be_made = is_there("ip", &["ip", "-Version"])
        && is_there("network namespaces", &[&OWN[..], &["true"]].concat());
    can_be_made.then_some(&OWN)
}

/// Starts an instance that `command` would start here, in a network of its own.
pub(super) async fn start(name: &str, command: &Command) -> Instance {
    let mut apart = Command::new("unshare");
    apart
        .args(["--net", "sh", "-c", LAY, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("MESHRPC_LISTEN", "10.77.0.2:0")
        .env("LEDGER_PUBLIC", "yes");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => apart.env(name, value),
            None => apart.env_remove(name),
        };
    }
    let instance = Instance::start(name, apart).await;
    ip(&["ip", "addr", "add", "10.77.0.1/24", "dev", "near"]);
    ip(&["ip", "link", "set", "near", "up"]);
    instance
}

impl Instance {
    /// Unplugs its wire: what either side sends is lost, and nobody is told.
    ///
    /// # Panics
    /// If it has no network of its own.
    pub fn unplug(&self) {
        self.set_wire("down");
    }

    /// Plugs its wire in again.
    ///
    /// # Panics
    /// As [`unplug`](Self::unplug).
    pub fn plug_in(&self) {
        self.set_wire("up");
    }

    fn set_wire(&self, state: &str) {
        let pid = self.pid().to_string();
        let ip_there = ["nsenter", "--net", "--target", &pid, "ip"];
        ip(&[&ip_there[..], &["link", "set", "far", state]].concat());
    }
}

fn ip(command: &[&str]) {
    let (program, arguments) = command.split_first().expect("a program");
    let status = Command::new(program).args(arguments).status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}
