//! What is counted.

use anyhow::{Context, Result};

use crate::{codec, connection};

/// How often the measured part is repeated.
pub const REPETITIONS: u64 = 20;
/// How often it is repeated before, until buffers have their size.
const WARM_UP: u64 = 5;

/// Something to count.
pub struct Scenario {
    /// As it is called in the baseline.
    pub name: &'static str,
    /// Makes what is needed; what that gives is measured.
    prepare: fn() -> Box<dyn FnMut()>,
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "encode-small-positional",
        prepare: codec::encode_small_positional,
    },
    Scenario {
        name: "encode-small-named",
        prepare: codec::encode_small_named,
    },
    Scenario {
        name: "decode-small-positional",
        prepare: codec::decode_small_positional,
    },
    Scenario {
        name: "decode-small-named",
        prepare: codec::decode_small_named,
    },
    Scenario {
        name: "encode-large-positional",
        prepare: codec::encode_large_positional,
    },
    Scenario {
        name: "encode-large-named",
        prepare: codec::encode_large_named,
    },
    Scenario {
        name: "decode-large-positional",
        prepare: codec::decode_large_positional,
    },
    Scenario {
        name: "decode-large-named",
        prepare: codec::decode_large_named,
    },
    Scenario {
        name: "connection-handshake",
        prepare: connection::handshake,
    },
    Scenario {
        name: "connection-call",
        prepare: connection::one_call,
    },
    Scenario {
        name: "connection-64-calls",
        prepare: connection::calls_in_flight,
    },
    Scenario {
        name: "connection-1-mib-request",
        prepare: connection::large_request,
    },
    Scenario {
        name: "connection-1-mib-reply",
        prepare: connection::large_reply,
    },
    Scenario {
        name: "connection-1000-items",
        prepare: connection::items,
    },
];

/// The scenario of this name.
pub fn find(name: &str) -> Result<&'static Scenario> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.with_context(|| format!("there is no scenario `{name}`"))
}

impl Scenario {
    /// Runs it as often as it is to be measured.
    pub fn run(&self) {
        let mut work = (self.prepare)();
        (0..WARM_UP).for_each(|_| work());
        measured(&mut *work);
    }
}

/// Nothing outside of this function is counted, which is found by its name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    for _ in 0..REPETITIONS {
        work();
    }
}
