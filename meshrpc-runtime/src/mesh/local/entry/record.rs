//! What an entry says: lines of a key and a value.
//!
//! ```text
//! meshrpc 1
//! epoch 1732190400123
//! pid 4711
//! health ready
//! address 127.0.0.1:40123
//! ```

use std::{fmt, str::FromStr};

use crate::discovery::{Address, Health};

/// What an entry says of its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Record {
    pub(in super::super) epoch: u64,
    pub(in super::super) pid: u32,
    pub(in super::super) health: Health,
    pub(in super::super) address: Option<Address>,
}

/// Bytes of the longest record: four short lines and one path.
pub(super) const MAX: u64 = 8 * 1024;

const FIRST_LINE: &str = "meshrpc 1";

/// An entry that this version cannot read.
#[derive(Debug)]
pub(in super::super) struct Unreadable;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = match self.health {
            Health::Starting => "starting",
            Health::Ready => "ready",
            Health::Draining => "draining",
        };
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "epoch {}", self.epoch)?;
        writeln!(f, "pid {}", self.pid)?;
        writeln!(f, "health {health}")?;
        match &self.address {
            Some(address) => writeln!(f, "address {address}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Record {
    type Err = Unreadable;

    /// Lines that a later version adds are passed over; what this version needs has to be there.
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(Unreadable);
        }
        let (mut epoch, mut pid, mut health, mut address) = (None, None, None, None);
        for line in lines {
            let (key, value) = line.split_once(' ').ok_or(Unreadable)?;
            match key {
                "epoch" => epoch = value.parse().ok(),
                "pid" => pid = value.parse().ok(),
                "health" => {
                    health = match value {
                        "starting" => Some(Health::Starting),
                        "ready" => Some(Health::Ready),
                        "draining" => Some(Health::Draining),
                        _ => None,
                    };
                }
                "address" => address = Some(value.parse().map_err(|_| Unreadable)?),
                _ => {}
            }
        }
        match (epoch, pid, health) {
            (Some(epoch), Some(pid), Some(health)) => Ok(Self {
                epoch,
                pid,
                health,
                address,
            }),
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for address in [None, Some("127.0.0.1:1"), Some("unix:/run/a socket")] {
            let address = address.map(|text| text.parse().unwrap());
            for health in [Health::Starting, Health::Ready, Health::Draining] {
                let record = Record {
                    epoch: u64::MAX,
                    pid: 1,
                    health,
                    address: address.clone(),
                };
                assert_eq!(record.to_string().parse::<Record>().unwrap(), record);
            }
        }
    }

    #[test]
    fn other_versions_and_halves_are_not_read() {
        for text in [
            "",
            "meshrpc 2\nepoch 1\npid 1\nhealth ready\n",
            "meshrpc 1\nepoch 1\n",
        ] {
            assert!(text.parse::<Record>().is_err(), "{text:?}");
        }
    }
}
