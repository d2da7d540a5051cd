//! The connection core with a fault planted in it, alone under the simulation: a program that runs
//! seeds until a rule is broken, and prints the seed and the rule.

#![allow(dead_code, unused_imports, unreachable_pub)]

extern crate self as meshrpc;

#[path = "../../../src/error.rs"]
mod error;
#[path = "../seeds.rs"]
mod seeds;
#[path = "../../../src/wire/mod.rs"]
pub mod wire;
#[path = "../world/mod.rs"]
mod world;

use std::{env, panic, process::ExitCode};

pub use error::{Code, Error, Kind, Limit, Started};

fn main() -> ExitCode {
    // A panic is a rule that does not hold, and told as one.
    panic::set_hook(Box::new(|_| ()));
    let count: Option<u64> = env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(count) = count else {
        eprintln!("how many seeds?");
        return ExitCode::FAILURE;
    };
    if let Some(broken) = (0..count).find_map(|seed| seeds::run(seed).err()) {
        println!("{} {}", broken.seed, broken.what);
    }
    ExitCode::SUCCESS
}
