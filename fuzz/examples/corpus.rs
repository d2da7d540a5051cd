//! Moves the corpus between the files that are kept and the folders that fuzzers work in.
//!
//! `cargo run --no-default-features --example corpus -- unpack` writes each input of `corpus/*.hex`
//! and `findings/*.hex` to a file of its own in `corpus/<target>/`; `-- pack` writes what is in
//! these folders to `corpus/*.hex`, the shortest inputs first, 200 of each target at most.

use std::{
    env, fs,
    io::{Error, ErrorKind, Result, Write},
    path::PathBuf,
};

use meshrpc_fuzz::{TARGETS, corpus};

/// Inputs of a target that are kept.
const MOST: usize = 200;
/// A longer input is not kept: a shorter one mostly reaches the same.
const LONGEST: usize = 2_048;

fn main() -> Result<()> {
    let verb = env::args().nth(1).unwrap_or_default();
    for (target, _) in TARGETS {
        match verb.as_str() {
            "unpack" => unpack(target)?,
            "pack" => pack(target)?,
            _ => return Err(Error::new(ErrorKind::InvalidInput, "unpack or pack?")),
        }
    }
    Ok(())
}

fn folder(target: &str) -> PathBuf {
    corpus::file("corpus", target).with_extension("")
}

fn unpack(target: &str) -> Result<()> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    for (n, input) in corpus::inputs(target)?.iter().enumerate() {
        fs::write(folder.join(format!("kept-{n:03}")), input)?;
    }
    Ok(())
}

fn pack(target: &str) -> Result<()> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder(target))? {
        inputs.push(fs::read(entry?.path())?);
    }
    inputs.retain(|input| input.len() <= LONGEST);
    inputs.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    inputs.dedup();
    // As many of the long ones as of the short ones: they reach the deepest.
    let step = inputs.len().div_ceil(MOST).max(1);
    let mut file = fs::File::create(corpus::file("corpus", target))?;
    for input in inputs.iter().step_by(step) {
        writeln!(file, "{}", corpus::line(input))?;
    }
    Ok(())
}
