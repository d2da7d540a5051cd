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
        let compare = |figure, base, goal| Comparison {
            workload: self,
            figure,
            base,
            goal,
        };
        let with = |figure, stack, goal| compare(figure, Base::Stack(self, stack, figure), goal);
        match self {
            Self::W1 => vec![with("p50_us", Stack::Raw, Goal::AtMost(1.1))],
            Self::W2 => vec![
                with("calls_per_s", Stack::Floor, Goal::AtLeast(1.2)),
                compare("syscalls", Base::Unit, Goal::AtMost(0.5)),
                compare("added_allocations", Base::Unit, Goal::AtMost(6.0)),
            ],
            Self::W3 => vec![with("calls_per_s", Stack::Floor, Goal::AtLeast(1.1))],
            Self::W4 => vec![with("bytes_per_s", Stack::Raw, Goal::AtLeast(1.0))],
            Self::W5 => vec![with("bytes_per_s", Stack::Raw, Goal::AtLeast(0.8))],
            Self::W6 => vec![
                compare(
                    "p99_us",
                    Base::Alone("small_alone_p50_us"),
                    Goal::AtMost(10.0),
                ),
                compare(
                    "bytes_per_s",
                    Base::Alone("bulk_alone_bytes_per_s"),
                    Goal::AtLeast(0.5),
                ),
            ],
            Self::W7 => vec![compare("server_kib", Base::Unit, Goal::AtMost(4.0))],
            Self::W8 => vec![with("items_per_s", Stack::Tonic, Goal::AtLeast(2.2))],
            Self::Ring => vec![compare(
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

impl Comparison {
    /// The figure and what it is divided by.
    pub fn what(&self) -> String {
        let figure = self.figure;
        match self.base {
            Base::Unit => figure.to_owned(),
            Base::Alone(base) => format!("{figure} / its {base}"),
            Base::Stack(workload, stack, _) if workload == self.workload => {
                format!("{figure} / {}'s", stack.name())
            }
            Base::Stack(workload, stack, base) => {
                format!(
                    "{figure} / {}'s {base} in {}",
                    stack.name(),
                    workload.name()
                )
            }
        }
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
