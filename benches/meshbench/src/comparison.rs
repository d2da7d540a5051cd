//! What is compared in each workload, with what, and what meshrpc is to reach.

use std::fmt::{self, Display};

use crate::{
    results::{Results, Spread},
    stacks::Stack,
    workload::Workload,
};

/// A figure, and the one it is divided by in the same round.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Where the figure is taken.
    pub workload: Workload,
    /// What it is, for people.
    pub name: &'static str,
    /// The figure.
    figure: &'static str,
    /// What is 1.
    base: Base,
    /// What meshrpc is to reach.
    pub goal: Goal,
}

#[derive(Clone, Copy, Debug)]
enum Base {
    /// A figure of this stack in this workload.
    Stack(Workload, Stack, &'static str),
    /// Another figure of the same sample.
    Alone(&'static str),
    /// The unit that the figure has.
    Unit,
}

/// A bound.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Higher is better.
    AtLeast(f64),
    /// Lower is better.
    AtMost(f64),
}

impl Workload {
    /// What is compared in it.
    pub fn comparisons(self) -> Vec<Comparison> {
        let compare = |name, figure, base, goal| Comparison {
            workload: self,
            name,
            figure,
            base,
            goal,
        };
        let with = |name, figure, stack, goal| {
            compare(name, figure, Base::Stack(self, stack, figure), goal)
        };
        match self {
            Self::W1 => {
                let goal = Goal::AtMost(1.1);
                vec![with("median / raw's", "p50_us", Stack::Raw, goal)]
            }
            Self::W2 => vec![
                with(
                    "calls/s / floor's",
                    "calls_per_s",
                    Stack::Floor,
                    Goal::AtLeast(1.2),
                ),
                compare(
                    "system calls, a call",
                    "syscalls",
                    Base::Unit,
                    Goal::AtMost(0.5),
                ),
                compare(
                    "allocations beyond values, a call",
                    "added_allocations",
                    Base::Unit,
                    Goal::AtMost(6.0),
                ),
            ],
            Self::W3 => {
                let goal = Goal::AtLeast(1.1);
                vec![with("calls/s / floor's", "calls_per_s", Stack::Floor, goal)]
            }
            Self::W4 => {
                let goal = Goal::AtLeast(1.0);
                vec![with("bytes/s / raw's", "bytes_per_s", Stack::Raw, goal)]
            }
            Self::W5 => {
                let goal = Goal::AtLeast(0.8);
                vec![with("bytes/s / raw's", "bytes_per_s", Stack::Raw, goal)]
            }
            Self::W6 => vec![
                compare(
                    "small: p99 / median alone",
                    "p99_us",
                    Base::Alone("small_alone_p50_us"),
                    Goal::AtMost(10.0),
                ),
                compare(
                    "large: bytes/s / alone",
                    "bytes_per_s",
                    Base::Alone("bulk_alone_bytes_per_s"),
                    Goal::AtLeast(0.5),
                ),
            ],
            Self::W7 => vec![compare(
                "server's KiB, a connection",
                "server_kib",
                Base::Unit,
                Goal::AtMost(4.0),
            )],
            Self::W8 => {
                let goal = Goal::AtLeast(2.2);
                vec![with("items/s / tonic's", "items_per_s", Stack::Tonic, goal)]
            }
            Self::Ring => vec![compare(
                "hop / raw's round trip",
                "hop_us",
                Base::Stack(Self::W1, Stack::Raw, "p50_us"),
                Goal::AtMost(0.75),
            )],
        }
    }
}

impl Comparison {
    /// What the rounds gave for a stack.
    pub fn spread(&self, results: &Results, stack: Stack) -> Option<Spread> {
        let figures = results.figure(self.workload, stack, self.figure);
        let base = match self.base {
            Base::Unit => return Spread::of(figures.into_values()),
            Base::Stack(workload, stack, figure) => results.figure(workload, stack, figure),
            Base::Alone(figure) => results.figure(self.workload, stack, figure),
        };
        let ratio = |(round, figure)| Some(figure / base.get(&round)?);
        Spread::of(figures.into_iter().filter_map(ratio))
    }
}

impl Goal {
    /// The bound.
    pub fn bound(self) -> f64 {
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) => bound,
        }
    }
}

impl Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}
