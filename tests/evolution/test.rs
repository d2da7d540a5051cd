//! Old and new programs, as processes that call each other: what a change of a contract does is
//! served correctly or is a typed error on each side. `docs/evolution.md` has what comes of each.

mod demotion;
mod rolling;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use meshrpc_tests::process::{CAP, Instance};
use tempfile::TempDir;

const BEGIN: &str = "<!-- The table below is written by the test `evolution`. -->\n";

/// What came of a call, and what the method was called with.
type Seen = (String, String);

/// By change, and then by call.
type Calls = Vec<(String, String, Seen)>;

#[tokio::test]
async fn every_change_is_served_correctly_or_a_typed_error_on_each_side() {
    let folder = folder();
    let (old, new) = tokio::join!(
        serve(folder.path(), "old", "old"),
        serve(folder.path(), "new", "new"),
    );
    // One client at a time for each server, which has one log.
    let (old_to_new, new_to_old) = tokio::join!(
        call(folder.path(), "old", "new"),
        call(folder.path(), "new", "old"),
    );
    let (old_to_old, new_to_new) = tokio::join!(
        call(folder.path(), "old", "old"),
        call(folder.path(), "new", "new"),
    );
    drop((old, new));
    for calls in [&old_to_old, &new_to_new] {
        for (change, call, (outcome, _)) in calls {
            let own = outcome.starts_with("`Remote`");
            assert!(own || !is_refused(outcome), "{change}, {call}: {outcome}");
        }
    }
    for (change, call, (outcome, received)) in old_to_new.iter().chain(&new_to_old) {
        assert_typed(change, call, outcome, received);
    }
    let table = table(&old_to_new, &new_to_old);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/evolution.md");
    let guide = std::fs::read_to_string(&path).expect("the guide can be read");
    let (prose, committed) = guide.split_once(BEGIN).expect("the guide has a table");
    if env::var_os("MESHRPC_TEST_BLESS").is_some() {
        std::fs::write(&path, format!("{prose}{BEGIN}{table}")).expect("the guide can be written");
        return;
    }
    for (now, then) in table.lines().zip(committed.lines()) {
        assert_eq!(
            now, then,
            "docs/evolution.md: MESHRPC_TEST_BLESS=1 writes it anew"
        );
    }
    assert_eq!(table, committed, "docs/evolution.md has another table");
}

/// A folder for a mesh.
fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("mesh")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .expect("a folder can be made")
}

async fn serve(folder: &Path, side: &str, deployment: &str) -> Instance {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evolution"));
    command.args(["serve", side, deployment]);
    command.envs(environment(folder));
    Instance::start(side, command).await
}

/// What a client of `side` prints about its calls to `deployment`.
async fn call(folder: &Path, side: &str, deployment: &str) -> Calls {
    let mut child = Command::new(env!("CARGO_BIN_EXE_evolution"))
        .args(["call", side, deployment])
        .envs(environment(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a client can be started");
    // Its end, should this test give up, ends the process.
    let kept = child.stdin.take();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output());
    let output = tokio::time::timeout(CAP, output)
        .await
        .expect("the client ends")
        .expect("waiting does not panic")
        .expect("its output can be read");
    drop(kept);
    assert!(output.status.success(), "the client: {}", output.status);
    let output = String::from_utf8(output.stdout).expect("text");
    output.lines().map(read).collect()
}

/// What a client printed about a call.
fn read(line: &str) -> (String, String, Seen) {
    let parts: Vec<&str> = line.split('\t').collect();
    match parts[..] {
        [change, call, outcome, received] => (
            change.to_owned(),
            call.to_owned(),
            (outcome.to_owned(), received.to_owned()),
        ),
        _ => panic!("four parts: {line}"),
    }
}

fn environment(folder: &Path) -> BTreeMap<&'static str, String> {
    let folder = folder.to_str().expect("a path in text").to_owned();
    [
        ("MESHRPC_MESH", "local:".to_owned()),
        ("MESHRPC_RUNTIME_DIR", folder),
        ("MESHRPC_NAMESPACE", "test".to_owned()),
    ]
    .into()
}

fn is_refused(outcome: &str) -> bool {
    outcome.contains(", started `")
}

/// A refusal says what it is, and a method that was refused has not run, or its reply was lost.
fn assert_typed(change: &str, call: &str, outcome: &str, received: &str) {
    let place = format!("{change}, {call}: {outcome}; received {received:?}");
    if !is_refused(outcome) {
        assert!(call.starts_with("get") || !received.is_empty(), "{place}");
    } else if outcome.starts_with("`Codec`, `InvalidArgument`")
        || outcome.starts_with("`Protocol`, `Unimplemented`")
    {
        assert!(outcome.contains("started `No`"), "{place}");
        assert!(received.is_empty(), "{place}");
    } else {
        assert!(outcome.contains("started `Yes`"), "{place}");
    }
}

/// For each change, what becomes of the old side's values and calls, and of the new side's.
fn table(old_to_new: &Calls, new_to_old: &Calls) -> String {
    let mut table = "\n| change | from old to new | from new to old |\n|---|---|---|\n".to_owned();
    let mut done = BTreeSet::new();
    for (change, ..) in old_to_new {
        if !done.insert(change) {
            continue;
        }
        let of = |calls: &Calls| {
            let calls = calls.iter().filter(|(of, ..)| of == change);
            calls
                .map(|(_, call, seen)| (call.clone(), seen.clone()))
                .collect::<Vec<_>>()
        };
        let (forward, backward) = (of(old_to_new), of(new_to_old));
        let _ = writeln!(
            table,
            "| {change} | {} | {} |",
            cell(change, &forward, &backward),
            cell(change, &backward, &forward)
        );
    }
    table
}

/// What the writer of `calls` is understood to say. `answers` are the calls of the other side, which
/// the writer of `calls` answers.
fn cell(change: &str, calls: &[(String, Seen)], answers: &[(String, Seen)]) -> String {
    let mut lines = Vec::new();
    let mut gets = answers.iter().filter(|(call, _)| call.starts_with("get "));
    for (call, (outcome, received)) in calls {
        if call.starts_with("get ") {
            continue;
        }
        let line = match call.strip_prefix("put ") {
            Some(value) => {
                let (_, (replied, _)) = gets.next().expect("each value is got as well");
                let (read, replied) = match is_refused(outcome) {
                    true => (refusal(outcome), refusal(replied)),
                    false => (format!("`{received}`"), format!("`{replied}`")),
                };
                assert_eq!(read, replied, "{change}, {value}: argument and reply");
                format!("`{value}` → {read}")
            }
            None => {
                let ran = match received.as_str() {
                    "" => String::new(),
                    received => format!(", ran with `{received}`"),
                };
                match is_refused(outcome) {
                    true => format!("`{call}` → {outcome}{ran}"),
                    false => format!("`{call}` → `{outcome}`{ran}"),
                }
            }
        };
        lines.push(line.replace('|', "\\|"));
    }
    lines.join("<br>")
}

/// Why a value was refused, whether it was an argument or a reply.
fn refusal(outcome: &str) -> String {
    match outcome.split_once("`: ") {
        Some((_, reason)) => format!("refused: {reason}"),
        None => outcome.to_owned(),
    }
}
