//! The examples of the specification are vectors, and its tables say what the code does.

use std::{collections::HashMap, fs};

use bytes::BytesMut;
use meshrpc::{
    Code,
    wire::{
        Checksum, Config, Fault, FrameReader, FrameType, GoAwayReason, HEADER_LEN, PREFACE, Reason,
    },
};
use serde_json::Value;

use crate::{decoded, hex, parts::raw, read};

#[test]
fn examples_are_vectors() {
    let mut known = HashMap::new();
    for (file, prefix, field) in [
        ("frames.json", "", "hex"),
        ("items.json", "items/", "hex"),
        ("fingerprints.json", "fingerprints/", "input"),
    ] {
        for vector in read::<Value>(file) {
            let text = |key: &str| vector[key].as_str().expect("it is text").to_owned();
            known.insert(format!("{prefix}{}", text("name")), text(field));
        }
    }
    let mut shown = 0;
    for (name, bytes) in examples("wire.md")
        .into_iter()
        .chain(examples("wire/values.md"))
    {
        let expected = known.get(&name);
        assert_eq!(Some(&bytes), expected, "the example `{name}`");
        shown += 1;
    }
    assert!(shown >= 17, "only {shown} examples were found");
}

#[test]
fn the_preface_is_as_shown() {
    let text = page("wire.md");
    let preface = hex(&PREFACE).to_uppercase();
    let spaced: Vec<&str> = (0..8).map(|at| &preface[2 * at..2 * at + 2]).collect();
    assert!(text.contains(&format!("`{}`", spaced.join(" "))));
}

#[test]
fn frames_have_the_flags_and_streams_of_the_table() {
    let rows = table("wire.md", &["type", "frame", "sent by"]);
    for kind in FrameType::ALL {
        let number = kind as u8;
        let row = rows.iter().find(|row| row[0] == format!("{number:02x}"));
        let row = row.unwrap_or_else(|| panic!("no row for {kind:?}"));
        assert_eq!(row[1], decoded::name(Some(kind)));
        for stream in [0, 2] {
            let allowed = match row[3].as_str() {
                "0" => stream == 0,
                "call" => stream == 2,
                other => other == "any",
            };
            assert_eq!(
                read_as(number, 0, stream).is_ok(),
                allowed,
                "{kind:?} on {stream}"
            );
        }
        let stream = if row[3] == "call" { 2 } else { 0 };
        for (flag, name) in [
            (0x01, "END"),
            (0x02, "-"),
            (0x04, "-"),
            (0x08, "-"),
            (0x10, "CREDIT NOW"),
        ] {
            let allowed = row[4].contains(name);
            assert_eq!(
                read_as(number, flag, stream).is_ok(),
                allowed,
                "{kind:?} with {flag:#04x}"
            );
        }
    }
    let known = FrameType::ALL.map(|kind| kind as u8);
    for number in 0..=u8::MAX {
        let unknown = read_as(number, 0, 0) == Err(Fault::UnknownFrame(number));
        let expected = number < 0x80 && !known.contains(&number);
        assert_eq!(unknown, expected, "type {number:02x}");
    }
}

#[test]
fn numbers_have_the_names_of_the_tables() {
    let codes = Code::ALL.map(|code| (code as u8, format!("{code:?}")));
    assert_eq!(numbered(&["code", "name"]), codes);

    let reasons: Vec<(u8, String)> = (0..12)
        .map(|number| (number, format!("{:?}", Reason::from_wire(number))))
        .collect();
    assert_eq!(numbered(&["reason", "name", "meaning", "code"]), reasons);
    assert_eq!(Reason::from_wire(12), Reason::Protocol, "a reason more");
    for row in table("wire.md", &["reason", "name", "meaning", "code"]) {
        let reason = Reason::from_wire(row[0].parse().expect("a number"));
        let code = row[3].split(',').next().and_then(|code| code.parse().ok());
        assert_eq!(code, Some(reason.code() as u8), "code of {reason:?}");
    }

    let go_aways = [
        GoAwayReason::Draining,
        GoAwayReason::Protocol,
        GoAwayReason::Version,
        GoAwayReason::NoContract,
        GoAwayReason::WrongInstance,
        GoAwayReason::Limit,
        GoAwayReason::Full,
        GoAwayReason::Unauthenticated,
    ]
    .map(|reason| (reason as u8, format!("{reason:?}")));
    let reasons = table("wire.md", &["reason", "name", "meaning"]);
    // The reasons of STATUS have more columns.
    let reasons = reasons.iter().filter(|row| row.len() == 3);
    let reasons: Vec<(u8, String)> = reasons.map(|row| pair(row)).collect();
    assert_eq!(reasons, go_aways);
}

#[test]
fn limits_have_the_defaults_of_the_table() {
    let config = Config::default();
    let said: Vec<String> = table("wire.md", &["offset", "size", "field", "must be"])
        .into_iter()
        .map(|row| row[4].replace(',', ""))
        .collect();
    let expected = [
        config.max_frame.to_string(),
        format!("{} MiB", config.max_message >> 20),
        config.max_streams.to_string(),
        format!("{} MiB", config.connection_window >> 20),
        format!("{} MiB", config.stream_window >> 20),
        format!("{} KiB", config.inline_max >> 10),
    ];
    assert_eq!(said, expected);
}

/// Reads a frame of eight bytes of payload.
fn read_as(kind: u8, flags: u8, stream: u64) -> Result<(), Fault> {
    let mut input = BytesMut::from(&raw(kind, flags, stream, &[0; 8])[..]);
    let reader = FrameReader {
        max_frame: 64,
        checksum: Checksum::Crc32,
    };
    assert_eq!(input.len(), HEADER_LEN + 8);
    reader
        .next(&mut input)
        .map(|frame| assert!(frame.is_some()))
}

fn numbered(header: &[&str]) -> Vec<(u8, String)> {
    table("wire.md", header)
        .iter()
        .map(|row| pair(row))
        .collect()
}

fn pair(row: &[String]) -> (u8, String) {
    (row[0].parse().expect("a number"), row[1].clone())
}

/// Blocks of `hex` with a name, without their comments.
fn examples(page_name: &str) -> Vec<(String, String)> {
    let text = page(page_name);
    let blocks = text.split("```hex ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').expect("a name has a line");
            let (body, _) = rest.split_once("```").expect("a block has an end");
            let bytes: String = body
                .lines()
                .filter_map(|line| line.split(';').next())
                .flat_map(|line| line.chars().filter(|char| !char.is_whitespace()))
                .collect();
            (name.to_owned(), bytes)
        })
        .collect()
}

/// The rows of every table whose header begins with these cells.
fn table(page_name: &str, header: &[&str]) -> Vec<Vec<String>> {
    let text = page(page_name);
    let mut rows = Vec::new();
    let mut within = false;
    for line in text.lines() {
        let Some(row) = line
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
        else {
            within = false;
            continue;
        };
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        if cells
            .iter()
            .zip(header)
            .filter(|(cell, name)| cell == name)
            .count()
            == header.len()
        {
            within = true;
        } else if within && !row.starts_with("---") {
            rows.push(cells);
        }
    }
    assert!(!rows.is_empty(), "no table with {header:?}");
    rows
}

fn page(name: &str) -> String {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
