//! The tables of `docs/types.md`.

use std::{collections::BTreeSet, env, fmt::Write as _, path::Path};

use meshrpc::wire::Codec;

use super::{
    TOPICS,
    harness::{Outcomes, Row},
};

const BEGIN: &str = "<!-- The tables below are written by the test `type_corpus`. -->\n";

#[test]
#[cfg_attr(not(feature = "json"), ignore = "a column is missing without JSON")]
fn the_tables_of_the_guide_are_what_happens() {
    let mut tables = String::new();
    let mut types = 0;
    for (topic, run) in TOPICS {
        let corpus = run();
        types += corpus.rows.len();
        table(&mut tables, topic, &corpus.rows);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/types.md");
    let guide = std::fs::read_to_string(&path).expect("the guide can be read");
    let (prose, committed) = guide.split_once(BEGIN).expect("the guide has tables");
    let tables = format!("\n{types} types.\n{tables}");
    if env::var_os("MESHRPC_TEST_BLESS").is_some() {
        std::fs::write(&path, format!("{prose}{BEGIN}{tables}")).expect("the guide can be written");
        return;
    }
    for (line, (now, then)) in tables.lines().zip(committed.lines()).enumerate() {
        assert_eq!(
            now, then,
            "line {line} of the tables in docs/types.md: MESHRPC_TEST_BLESS=1 writes them anew"
        );
    }
    assert_eq!(tables, committed, "docs/types.md has other tables");
}

fn table(out: &mut String, topic: &str, rows: &[Row]) {
    let _ = writeln!(
        out,
        "\n### {topic}\n\n| type | between equal builds | between versions | JSON |\n|---|---|---|---|"
    );
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            row.label,
            equal_builds(row),
            outcome(&row.named),
            outcome(&row.json)
        );
    }
}

/// What a method does whose two sides hold the same types.
fn equal_builds(row: &Row) -> String {
    if row.codec != Codec::Positional {
        let obstacle = row.obstacle.as_deref().unwrap_or_default();
        let why = obstacle.rsplit(" has ").next().unwrap_or_default();
        return format!("by name: {why}");
    }
    let demoted = &row.positional.demoted;
    match (row.positional.carried > 0, demoted.first()) {
        (_, None) => outcome(&row.positional),
        (true, Some(why)) => format!("by position, until {}", escaped(why)),
        (false, Some(why)) => format!("by name: {}", escaped(why)),
    }
}

fn outcome(outcomes: &Outcomes) -> String {
    let refused: BTreeSet<String> = outcomes
        .unwritten
        .iter()
        .chain(&outcomes.unread)
        .map(|reason| shortened(reason))
        .collect();
    let mut refused = refused.into_iter();
    match (outcomes.carried > 0, refused.next()) {
        (true, None) => "yes".to_owned(),
        (true, Some(why)) => format!("yes; refused: {why}"),
        (false, Some(why)) => format!("refused: {why}"),
        (false, None) => "no value".to_owned(),
    }
}

/// The kind of a refusal, without the value it met.
fn shortened(reason: &str) -> String {
    let kinds = [
        ("would be read as `None`", "`Some` of what is nil"),
        ("is not a number in JSON", "NaN and infinities"),
        ("key must be a string", "a key that is no text"),
        ("nested deeper", "nested too deep"),
        ("duplicate field", "two entries of one name"),
        ("invalid type: string \"", "text where a number is read"),
        ("invalid type: integer", "a number where text is read"),
        ("invalid value: integer", "a number that does not fit"),
        ("u128", "a number wider than 64 bits"),
        ("i128", "a number wider than 64 bits"),
    ];
    let kind = kinds.iter().find(|(part, _)| reason.contains(part));
    kind.map_or_else(|| escaped(reason), |(_, kind)| (*kind).to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
