//! The table of the document, held against the code row by row.

use std::{collections::HashSet, fs, path::Path};

use meshrpc::{Code, Kind, Limit};

/// Every kind, as the document writes it.
fn kinds() -> Vec<(&'static str, Kind)> {
    let refused = |limit| Kind::Refused { limit };
    vec![
        ("Unavailable", Kind::Unavailable),
        ("DeadlineExceeded", Kind::DeadlineExceeded),
        ("Cancelled", Kind::Cancelled),
        ("Refused { MessageSize }", refused(Limit::MessageSize)),
        ("Refused { Metadata }", refused(Limit::Metadata)),
        ("Refused { SessionKey }", refused(Limit::SessionKey)),
        ("Refused { Connections }", refused(Limit::Connections)),
        ("Refused { Load }", refused(Limit::Load)),
        ("Refused { Draining }", refused(Limit::Draining)),
        ("Denied", Kind::Denied),
        ("Protocol", Kind::Protocol),
        ("Codec", Kind::Codec),
        ("Remote", Kind::Remote),
    ]
}

struct Row {
    kind: String,
    code: String,
    http: u16,
    words: Vec<String>,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let text = fs::read_to_string(path).expect("docs/errors.md is there");
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
        line.split('|').map(cell).collect()
    };
    text.lines()
        .skip_while(|line| !line.starts_with("| kind | code | HTTP |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = cells(line).into_iter();
            let mut next = || cells.next().expect("a row has six cells");
            Row {
                kind: next(),
                code: next(),
                http: next().parse().expect("a status is a number"),
                words: (0..3).map(|_| next()).collect(),
            }
        })
        .collect()
}

#[test]
fn each_row_says_what_the_code_does() {
    let kinds = kinds();
    let mut seen = HashSet::new();
    for Row {
        kind,
        code,
        http,
        words,
    } in rows()
    {
        let row = format!("the row of {kind} and {code}");
        let known = kinds.iter().find(|(name, _)| *name == kind);
        let (_, value) = known.unwrap_or_else(|| panic!("{row}: no such kind"));
        let number = Code::ALL
            .into_iter()
            .find(|known| format!("{known:?}") == code)
            .unwrap_or_else(|| panic!("{row}: no such code"));
        assert_eq!(number.http_status(), http, "{row}");
        if seen.insert(kind) {
            assert_eq!(value.code(), number, "{row} is the kind's first");
        }
        assert!(words.iter().all(|word| !word.is_empty()), "{row}");
    }
}

#[test]
fn every_kind_and_every_code_has_a_row() {
    let rows = rows();
    for (name, _) in kinds() {
        assert!(rows.iter().any(|row| row.kind == name), "{name}");
    }
    for code in Code::ALL {
        let name = format!("{code:?}");
        assert!(rows.iter().any(|row| row.code == name), "{name}");
    }
}

#[test]
fn no_two_rows_are_the_same() {
    let mut seen = HashSet::new();
    for row in rows() {
        let (kind, code) = (row.kind, row.code);
        assert!(
            seen.insert((kind.clone(), code.clone())),
            "{kind} and {code} twice"
        );
    }
}
