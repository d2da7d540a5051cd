//! `--message-format json`.

use serde_json::{Value, json};

use crate::project::{Project, Ran, TRAIT};

fn lines(ran: &Ran) -> Vec<Value> {
    let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    ran.stdout().lines().map(parsed).collect()
}

fn file(half: &str, state: &str, action: &str, done: bool) -> Value {
    json!({
        "reason": "file",
        "path": format!("src/greeter_{half}_gen.rs"),
        "service": "Greeter",
        "source": "src/desk.rs",
        "state": state,
        "action": action,
        "done": done,
    })
}

fn finished(outcome: &str, written: u32, removed: u32) -> Value {
    json!({"reason": "finished", "outcome": outcome, "written": written, "removed": removed})
}

#[test]
fn each_file_is_a_line_and_the_end_is_the_last() {
    let project = Project::new();
    let json = |more: &[&str], code| {
        let arguments = [&["--message-format", "json"], more].concat();
        lines(&project.expose(&arguments).ends_with(code))
    };
    let both = |state, action, done| {
        vec![
            file("handler", state, action, done),
            file("client", state, action, done),
        ]
    };
    let with_end = |mut files: Vec<Value>, end| {
        files.push(end);
        files
    };
    let planned = with_end(both("missing", "create", false), finished("done", 0, 0));
    assert_eq!(json(&["--dry-run"], 0), planned);
    let written = with_end(both("missing", "create", true), finished("done", 2, 0));
    assert_eq!(json(&["--yes"], 0), written);
    let current = with_end(both("current", "none", false), finished("done", 0, 0));
    assert_eq!(json(&["--yes"], 0), current);
    assert_eq!(json(&["--check"], 0), current);

    project.put("src/desk.rs", &TRAIT.replace("name", "who"));
    let drift = json(&["--check"], 100);
    assert_eq!(drift[0]["state"], "stale");
    let diff = drift[1]["diff"].as_str().expect("it has one");
    assert!(
        diff.starts_with("--- a/src/greeter_client_gen.rs\n"),
        "{diff}"
    );
    assert_eq!(drift[2], finished("drift", 0, 0));

    project.put("src/desk.rs", "");
    json(&["--yes"], 0);
    assert!(!project.path("src/greeter_client_gen.rs").exists());
}

#[test]
fn errors_have_their_place() {
    let project = Project::new();
    project.put("src/front/office.rs", "\nfn f( {\n");
    let ran = project
        .expose(&["--message-format", "json", "--yes"])
        .ends_with(1);
    let said = lines(&ran);
    assert_eq!(said[0]["reason"], "error");
    assert_eq!(said[0]["path"], "src/front/office.rs");
    assert_eq!(said[0]["line"], 2);
    assert_eq!(said.last(), Some(&finished("failed", 2, 0)));
    assert_eq!(ran.stderr(), "");
}

#[test]
fn nobody_is_asked() {
    let project = Project::new();
    let ran = project.expose(&["--message-format", "json"]).ends_with(2);
    let said = lines(&ran);
    let message = said[said.len() - 2]["message"]
        .as_str()
        .expect("it has one");
    assert!(message.contains("pass --yes"), "{message}");
    assert_eq!(said.last(), Some(&finished("usage", 0, 0)));
}
