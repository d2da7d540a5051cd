//! Several hosts on one machine: networks of their own, each on a wire that can be unplugged.

use std::{
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, ExitStatus, Stdio},
};

/// Another host, on a wire to the network of this process, which has to be
/// [its own](crate::process::own_network). It is gone when it is dropped.
#[derive(Debug)]
pub struct Host {
    /// The process that keeps the network.
    keeper: Child,
    number: u8,
}

/// What the keeper does: it lays a wire from its own network to that of the process that started
/// it, tells, and waits for the end of its input.
const KEEP: &str = "ip link set lo up \
    && ip link add far type veth peer name \"$1\" netns $PPID \
    && ip addr add \"$2/24\" dev far \
    && ip link set far up \
    && echo ready \
    && exec cat";

impl Host {
    /// A host; each has a number of its own.
    ///
    /// # Panics
    /// If this process has no network of its own.
    pub fn new(number: u8) -> Self {
        let mut keeper = Command::new("unshare")
            .args(["--net", "sh", "-c", KEEP, "sh"])
            .args([wire(number), far(number).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a network can be made");
        let mut said = String::new();
        let stdout = keeper.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut said)
            .expect("the keeper can be read");
        assert_eq!(said, "ready\n", "no wire was laid");
        let near = format!("{}/24", near(number));
        ip(&["ip", "addr", "add", &near, "dev", &wire(number)]);
        ip(&["ip", "link", "set", &wire(number), "up"]);
        Self { keeper, number }
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        far(self.number)
    }

    /// The address that this process's network has on the wire.
    pub fn near(&self) -> Ipv4Addr {
        near(self.number)
    }

    /// What runs a command there.
    pub(super) fn wrapper(&self) -> Vec<String> {
        let pid = self.keeper.id().to_string();
        ["nsenter", "--net", "--target", &pid, "--"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Unplugs its wire: what either side sends is lost, and nobody is told.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn unplug(&self) {
        ip(&["ip", "link", "set", &wire(self.number), "down"]);
    }

    /// Plugs its wire in again.
    ///
    /// # Panics
    /// As [`unplug`](Self::unplug).
    pub fn plug_in(&self) {
        ip(&["ip", "link", "set", &wire(self.number), "up"]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn wire(number: u8) -> String {
    format!("near{number}")
}

fn near(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 78, number, 1)
}

fn far(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 78, number, 2)
}

fn ip(command: &[&str]) {
    let (program, arguments) = command.split_first().expect("a program");
    let status = Command::new(program).args(arguments).status();
    assert!(
        status.as_ref().is_ok_and(ExitStatus::success),
        "{command:?}: {status:?}"
    );
}
