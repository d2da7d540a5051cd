//! The golden vectors in `tests/vectors/`: what this side writes is what they say, and what they
//! say is understood. A second implementation can read the same files.
//!
//! `MESHRPC_WRITE_VECTORS=1` writes them anew; a change of one that exists is a change of the
//! protocol.

mod cases;

use std::{fs, path::PathBuf, process::Command};

use bytes::BytesMut;
use meshrpc::wire::{Checksum, FrameReader};
use meshrpc_tests::has_tool;
use serde::{Deserialize, Serialize};

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Vector {
    name: String,
    what: String,
    /// The whole frame, or the bytes before frames.
    hex: String,
}

#[test]
fn frames_are_written_as_the_vectors_say() {
    let built: Vec<Vector> = cases::frames()
        .into_iter()
        .map(|case| case.vector())
        .collect();
    let path = folder().join("frames.json");
    if std::env::var_os("MESHRPC_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&built).expect("vectors are JSON");
        fs::write(&path, text + "\n").expect("the folder can be written");
    }
    for (built, stored) in built.iter().zip(&read("frames.json")) {
        assert_eq!(built, stored, "vector `{}`", built.name);
    }
    assert_eq!(
        built.len(),
        read("frames.json").len(),
        "vectors without a case"
    );
}

#[test]
fn the_vectors_are_understood() {
    for case in cases::frames() {
        let mut input = BytesMut::from(&case.bytes[..]);
        let reader = FrameReader {
            max_frame: 262_152,
            checksum: Checksum::Crc32,
        };
        let frame = reader
            .next(&mut input)
            .expect("a valid frame")
            .expect("a whole frame");
        assert!(
            input.is_empty(),
            "`{}` has bytes behind the frame",
            case.name
        );
        (case.check)(&frame);
    }
}

#[test]
fn malformed_frames_are_refused_as_the_vectors_say() {
    let built: Vec<Vector> = cases::malformed()
        .into_iter()
        .map(|(vector, _)| vector)
        .collect();
    let path = folder().join("malformed.json");
    if std::env::var_os("MESHRPC_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&built).expect("vectors are JSON");
        fs::write(&path, text + "\n").expect("the folder can be written");
    }
    assert_eq!(built, read("malformed.json"));
    for (vector, expected) in cases::malformed() {
        let fault = cases::fault_at_server(&from_hex(&vector.hex));
        assert_eq!(fault.as_deref(), Some(expected), "vector `{}`", vector.name);
    }
}

#[test]
fn a_second_reader_agrees() {
    if !has_tool("python3") {
        return;
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wire_vectors/check.py");
    let vectors = folder().join("frames.json");
    let output = Command::new("python3")
        .arg(script)
        .arg(vectors)
        .output()
        .expect("python3 runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let counted = String::from_utf8_lossy(&output.stdout);
    assert_eq!(counted.trim(), cases::frames().len().to_string());
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn read(file: &str) -> Vec<Vector> {
    let text = fs::read_to_string(folder().join(file)).expect("the vectors are there");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}
