//! Inputs that are kept: a file of text for each target, a line of hexadecimal digits for each
//! input. Lines that begin with `#` say what follows.
//!
//! `corpus/` holds inputs that reach different code, as few as do; `findings/` those that once broke
//! a promise.

use std::{fs, io, path::PathBuf};

/// The corpus of a target, then its findings.
///
/// # Errors
/// If a file cannot be read, or has a line that is no input. A target without files has no inputs.
pub fn inputs(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut inputs = Vec::new();
    for folder in ["corpus", "findings"] {
        match fs::read_to_string(file(folder, target)) {
            Ok(text) => {
                for line in text.lines().filter(|line| !line.starts_with('#')) {
                    inputs.push(parse(line)?);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(inputs)
}

/// Where the inputs of a target are kept; `folder` is `corpus` or `findings`.
pub fn file(folder: &str, target: &str) -> PathBuf {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    fuzz.join(folder).join(format!("{target}.hex"))
}

/// A line of digits as an input.
///
/// # Errors
/// If it is none.
pub fn parse(line: &str) -> io::Result<Vec<u8>> {
    let digits = line.trim().as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2);
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no input: {line}")))
}

/// An input as a line of digits.
pub fn line(input: &[u8]) -> String {
    input.iter().map(|byte| format!("{byte:02x}")).collect()
}
