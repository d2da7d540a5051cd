//! The ways that calls take, and what is compared.

use crate::{comparison::Goal, stacks::Stack, workload::Workload};

/// A way from a caller to what it calls, with one of the stacks at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The stack.
    pub stack: Stack,
    /// What is between.
    pub between: Between,
}

/// What is between a caller and what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// The caller's sidecar and the callee's.
    Two(Proxy),
    /// The callee's sidecar, which the caller dials with a certificate of its own.
    One(Proxy),
}

/// Which program sidecars are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proxy {
    /// Consul itself.
    BuiltIn,
    /// Envoy.
    Envoy,
}

/// A figure of one way, and the one it is divided by in the same round.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Whose figure.
    pub path: Path,
    /// Divided by whose.
    pub base: Path,
    /// Both less the figure of this way: what sidecars add.
    pub less: Option<Path>,
    /// What small calls are to reach.
    pub small: Option<Goal>,
    /// What large ones are.
    pub large: Option<Goal>,
}

impl Path {
    /// All that can be measured, in the order of the table.
    pub fn all(envoy: bool) -> Vec<Self> {
        use Between::{Nothing, One, Two};
        let all = [
            (Stack::Raw, Nothing),
            (Stack::Meshrpc, Nothing),
            (Stack::Raw, Two(Proxy::BuiltIn)),
            (Stack::Meshrpc, Two(Proxy::BuiltIn)),
            (Stack::Raw, Two(Proxy::Envoy)),
            (Stack::Meshrpc, Two(Proxy::Envoy)),
            (Stack::Raw, One(Proxy::BuiltIn)),
            (Stack::Meshrpc, One(Proxy::BuiltIn)),
            (Stack::Raw, One(Proxy::Envoy)),
            (Stack::Meshrpc, One(Proxy::Envoy)),
        ];
        let all = all.map(|(stack, between)| Self { stack, between });
        let there = |path: &Self| envoy || path.between.proxy() != Some(Proxy::Envoy);
        all.into_iter().filter(there).collect()
    }

    /// As the table has it.
    pub fn name(self) -> String {
        format!("{}, {}", self.stack.name(), self.between.name())
    }
}

impl Between {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing between",
            Self::Two(Proxy::BuiltIn) => "two built-in proxies",
            Self::Two(Proxy::Envoy) => "two Envoys",
            Self::One(Proxy::BuiltIn) => "callee's built-in proxy",
            Self::One(Proxy::Envoy) => "callee's Envoy",
        }
    }

    /// Which sidecars there are.
    pub fn proxy(self) -> Option<Proxy> {
        match self {
            Self::Nothing => None,
            Self::Two(proxy) | Self::One(proxy) => Some(proxy),
        }
    }
}

impl Comparison {
    /// What is compared.
    pub fn all() -> Vec<Self> {
        let path = |stack, between| Path { stack, between };
        let with_raw = |between, small, large| Self {
            path: path(Stack::Meshrpc, between),
            base: path(Stack::Raw, between),
            less: None,
            small,
            large,
        };
        let through = |proxy| {
            let (small, large) = (Goal::AtMost(1.05), Goal::AtLeast(0.9));
            with_raw(Between::Two(proxy), Some(small), Some(large))
        };
        let direct = path(Stack::Meshrpc, Between::Nothing);
        let instance = |proxy, less, small| Self {
            path: path(Stack::Meshrpc, Between::One(proxy)),
            base: path(Stack::Meshrpc, Between::Two(Proxy::BuiltIn)),
            less,
            small,
            large: None,
        };
        vec![
            through(Proxy::BuiltIn),
            through(Proxy::Envoy),
            instance(Proxy::BuiltIn, None, Some(Goal::AtMost(0.5))),
            instance(Proxy::BuiltIn, Some(direct), None),
            instance(Proxy::Envoy, None, None),
            instance(Proxy::Envoy, Some(direct), None),
            with_raw(Between::One(Proxy::BuiltIn), None, None),
            with_raw(Between::One(Proxy::Envoy), None, None),
            Self {
                path: path(Stack::Raw, Between::One(Proxy::BuiltIn)),
                base: path(Stack::Raw, Between::Two(Proxy::BuiltIn)),
                less: None,
                small: None,
                large: None,
            },
            with_raw(Between::Nothing, None, None),
        ]
    }

    /// The name of what is measured, as the table has it.
    pub fn name(self) -> String {
        let added = if self.less.is_some() { ", added" } else { "" };
        self.path.name() + added
    }

    /// Whether it says anything about a workload: of a rate nothing can be taken off.
    pub fn suits(self, workload: Workload) -> bool {
        workload.is_small() || self.less.is_none()
    }

    /// What is to be reached in a workload.
    pub fn goal(self, workload: Workload) -> Option<Goal> {
        match workload.is_small() {
            true => self.small,
            false => self.large,
        }
    }
}
