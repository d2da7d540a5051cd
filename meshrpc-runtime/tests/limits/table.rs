//! The table of `docs/limits.md`: written from what the code has, and held against what callers are
//! told.

mod rows;

use std::{env, fs, path::Path};

use self::rows::{Row, rows};

/// Where the table begins.
const BEGIN: &str = "<!-- written by the test `limits` -->\n";

/// Whether whoever exceeded the limit `what` was told so in the words of the table.
pub(crate) fn says(what: &str, text: &str) {
    let rows = rows();
    let row = rows.iter().find(|row| row.what == what);
    let row = row.unwrap_or_else(|| panic!("no row `{what}`"));
    let (_, words) = row.said.split_once(": ").expect("it is said");
    let text = plain(text);
    let mut rest = text.as_str();
    for part in words.split("ANY") {
        let part = plain(part);
        match rest.find(&part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => panic!("`{what}`: not `{words}`, but `{text}`"),
        }
    }
}

/// The text with `N` for every number and every time.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let within_word = plain.chars().last().is_some_and(char::is_alphanumeric);
        if !char.is_ascii_digit() || within_word {
            plain.push(char);
            continue;
        }
        plain.push('N');
        while chars
            .next_if(|next| next.is_ascii_alphanumeric() || *next == '.' || *next == 'µ')
            .is_some()
        {}
    }
    plain
}

#[test]
fn the_document_has_the_table() {
    let mut table = String::from(
        "| limit | unless set | set by | whose, and why | what is said | counted by |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in rows() {
        let Row {
            what,
            default,
            setting,
            why,
            said,
            counter,
        } = row;
        let said = said.replace("`ANY`", "`…`");
        table += &format!("| {what} | {default} | {setting} | {why} | {said} | {counter} |\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let guide = fs::read_to_string(&path).expect("docs/limits.md can be read");
    let (prose, committed) = guide.split_once(BEGIN).expect("it has a table");
    if env::var_os("MESHRPC_TEST_BLESS").is_some() {
        fs::write(&path, format!("{prose}{BEGIN}{table}")).expect("it can be written");
        return;
    }
    for (now, then) in table.lines().zip(committed.lines()) {
        assert_eq!(
            now, then,
            "docs/limits.md: MESHRPC_TEST_BLESS=1 writes it anew"
        );
    }
    assert_eq!(table, committed, "docs/limits.md has another table");
}

/// Names of what is public in a source file: fields, and functions.
fn public(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let names = source.lines().filter_map(|line| {
        let rest = line.strip_prefix("    pub ")?;
        let rest = rest.strip_prefix("const ").unwrap_or(rest);
        let rest = rest.strip_prefix("fn ").unwrap_or(rest);
        let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_')?;
        Some(rest[..end].to_owned())
    });
    names.collect()
}

#[test]
fn every_setting_and_every_counter_has_a_row() {
    let rows = rows();
    let settings: String = rows.iter().map(|row| row.setting).collect();
    let missing = |owner: &str, file: &str, but: &[&str]| {
        for name in public(file) {
            let setting = format!("{owner}::{name}`");
            let whole = format!("of `{owner}::{name}`");
            assert!(
                but.contains(&&*name) || settings.contains(&setting) || settings.contains(&whole),
                "no row for {owner}::{name}"
            );
        }
    };
    missing("Limits", "server/limits.rs", &[]);
    missing("Quota", "server/admission/quota.rs", &["new"]);
    // Of a budget of retries, with those of the client.
    let of_budget = ["burst", "per_success", "per_second"];
    missing("ClientLimits", "client/limits.rs", &of_budget);
    let counters: String = rows.iter().map(|row| row.counter).collect();
    // What is no limit.
    let others = [
        "connections",
        "calls",
        "panics",
        "refused_calls",
        "failed_accepts",
        "wire",
        "counters",
    ];
    for name in public("server/counters.rs")
        .into_iter()
        .chain(public("wire/counters.rs"))
    {
        assert!(
            others.contains(&&*name) || counters.contains(&*name),
            "no row names the counter `{name}`"
        );
    }
}

#[test]
fn numbers_and_times_are_told_from_words() {
    assert_eq!(plain("of 1024 in 2.5s or 10µs"), "of N in N or N");
    assert_eq!(plain("u32 and CRC-32"), "u32 and CRC-N");
}
