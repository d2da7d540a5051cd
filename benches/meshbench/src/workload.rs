//! The workloads.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::stacks::Stack;

/// What is done with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Small calls, one at a time.
    W1,
    /// Small calls, 64 in flight on one connection.
    W2,
    /// Small calls, 1,024 in flight on four connections.
    W3,
    /// 1 MiB to the server, one at a time.
    W4,
    /// 64 MiB from the server, one at a time.
    W5,
    /// Small calls, one at a time, beside 64 MiB to the server on the same connection.
    W6,
    /// Connections that do nothing.
    W7,
    /// A stream of small items from the server.
    W8,
    /// Nested calls around five processes.
    Ring,
}

impl Workload {
    /// All, in their order.
    pub const ALL: [Self; 9] = [
        Self::W1,
        Self::W2,
        Self::W3,
        Self::W4,
        Self::W5,
        Self::W6,
        Self::W7,
        Self::W8,
        Self::Ring,
    ];

    /// As it is called on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
            Self::W4 => "w4",
            Self::W5 => "w5",
            Self::W6 => "w6",
            Self::W7 => "w7",
            Self::W8 => "w8",
            Self::Ring => "ring",
        }
    }

    /// What it does, in a line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::W1 => "small calls, one at a time",
            Self::W2 => "small calls, 64 in flight on one connection",
            Self::W3 => "small calls, 1,024 in flight on four connections",
            Self::W4 => "1 MiB to the server, one at a time",
            Self::W5 => "64 MiB from the server, one at a time",
            Self::W6 => "small calls, one at a time, beside 64 MiB to the server",
            Self::W7 => "connections that do nothing",
            Self::W8 => "a stream of small items from the server",
            Self::Ring => "nested calls around five processes",
        }
    }

    /// Connections, and calls in flight on all of them.
    pub fn load(self) -> (usize, usize) {
        match self {
            Self::W2 => (1, 64),
            Self::W3 => (4, 1024),
            _ => (1, 1),
        }
    }

    /// Whether `stack` can do it.
    pub fn suits(self, stack: Stack) -> bool {
        match (self, stack) {
            (Self::Ring, stack) => stack == Stack::Ring,
            (_, Stack::Ring) => false,
            // One call at a time is all there is on a connection without ids.
            (Self::W6, stack) => stack != Stack::Raw,
            (Self::W8, stack) => stack != Stack::Tarpc,
            _ => true,
        }
    }

    /// Whether client and server wait for each other all the time.
    pub fn is_one_at_a_time(self) -> bool {
        matches!(self, Self::W1 | Self::Ring)
    }

    /// Whether calls are small, and what each costs is counted.
    pub fn is_small(self) -> bool {
        matches!(self, Self::W1 | Self::W2 | Self::W3)
    }
}
