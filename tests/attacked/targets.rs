//! Each fuzz target, on the inputs that are kept and on random ones.
//!
//! A variation that fails is printed as a line for `fuzz/findings`, which is where it belongs once
//! the fault is mended.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use meshrpc_fuzz::{TARGETS, Target, corpus};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::TestRunner,
};

/// Random inputs of a target.
const CASES: u32 = 1_500;

macro_rules! targets {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn keeps_its_promises_on_kept_inputs() {
                super::replay(stringify!($name));
            }

            #[test]
            fn keeps_its_promises_on_variations() {
                super::vary(stringify!($name));
            }
        })*

        #[test]
        fn every_target_is_tested() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, _)| name), tested);
        }
    };
}

targets!(frames hello keys heads streams client server positional field_named json http);

fn replay(name: &str) {
    let (target, inputs) = of(name);
    assert!(!inputs.is_empty(), "no input of `{name}` is kept");
    for input in &inputs {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(outcome.is_ok(), "{name}: {}", corpus::line(input));
    }
}

fn vary(name: &str) {
    let (target, inputs) = of(name);
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&input(inputs), |Input(input)| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
        outcome.map_err(|_| TestCaseError::fail(name.to_owned()))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn of(name: &str) -> (Target, Vec<Vec<u8>>) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, target) = target.expect("a target of this name");
    (*target, corpus::inputs(name).expect("the kept inputs"))
}

/// An input that is kept, in which something is different, or any bytes.
fn input(kept: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    let any_bytes = vec(any::<u8>(), 0..800);
    let kept = if kept.is_empty() {
        vec![Vec::new()]
    } else {
        kept
    };
    let kept = || select(kept.clone());
    let varied = (kept(), kept(), vec(edit(), 1..6)).prop_map(|(mut input, other, edits)| {
        edits.iter().for_each(|edit| edit.make(&mut input, &other));
        input
    });
    prop_oneof![1 => any_bytes, 3 => varied].prop_map(Input)
}

/// An input, printed as it is kept.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&corpus::line(&self.0))
    }
}

/// A change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// From there on it is another one.
    Splice(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (at(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (at(), 1usize..20).prop_map(|(at, len)| Edit::Remove(at, len)),
        1 => (at(), 1usize..60).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => (at(), at()).prop_map(|(at, other)| Edit::Splice(at, other)),
    ]
}

impl Edit {
    fn make(&self, input: &mut Vec<u8>, other: &[u8]) {
        let place = |at: &Index| at.index(input.len() + 1);
        match self {
            Edit::Set(at, byte) => {
                let at = place(at);
                if let Some(place) = input.get_mut(at) {
                    *place = *byte;
                }
            }
            Edit::Insert(at, bytes) => {
                let at = place(at);
                input.splice(at..at, bytes.iter().copied());
            }
            Edit::Remove(at, len) => {
                let at = place(at);
                input.drain(at..(at + len).min(input.len()));
            }
            Edit::Repeat(at, len) => {
                let at = place(at);
                let again = input[at..(at + len).min(input.len())].to_vec();
                input.splice(at..at, again);
            }
            Edit::Splice(at, from) => {
                let at = place(at);
                input.truncate(at);
                input.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
}
