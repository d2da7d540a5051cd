//! `cargo meshrpc doctor`, as people and programs read it. What it says of Consul is asserted where
//! Consul is.

use std::{net::TcpListener, path::Path, process::Output};

use meshrpc_tests::command::{Place, Running, build};
use rustix::process::Signal;
use serde_json::Value;

/// What one run said, and how it ended.
struct Visit {
    output: Output,
}

impl Visit {
    fn pay(place: &Place, arguments: &[&str]) -> Self {
        let binaries = build(&["cargo-meshrpc", "greeter"]);
        let mut command = place.command(&binaries.join("cargo-meshrpc"));
        command.args(["meshrpc", "doctor"]).args(arguments);
        let output = command.output().expect("it can be run");
        Self { output }
    }

    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn text(&self) -> String {
        let Output { stdout, stderr, .. } = &self.output;
        String::from_utf8_lossy(&[&stdout[..], stderr].concat()).into_owned()
    }

    /// The objects that it printed.
    fn findings(&self) -> Vec<Value> {
        let text = String::from_utf8_lossy(&self.output.stdout);
        let parsed = text.lines().map(serde_json::from_str);
        parsed.collect::<Result<_, _>>().expect("each line is JSON")
    }

    /// The causes among them, with what they are of.
    fn causes(&self) -> Vec<(Value, Value)> {
        let findings = self.findings().into_iter();
        let wrong = findings.filter(|finding| finding["cause"].is_string());
        wrong
            .map(|finding| (finding["subject"].clone(), finding["cause"].clone()))
            .collect()
    }
}

/// A greeter on `local:` that is ready.
fn greeter(place: &Place, name: &str) -> Running {
    let mut command = place.command(&build(&["cargo-meshrpc", "greeter"]).join("greeter"));
    command.env("MESHRPC_INSTANCE", name);
    let mut greeter = Running::start(command);
    greeter.expect("serving");
    greeter
}

const JSON: [&str; 2] = ["--message-format", "json"];

#[test]
fn a_mesh_that_is_well_is_said_to_be() {
    let place = Place::new();
    let _greeters = ["one", "two"].map(|name| greeter(&place, name));
    let visit = Visit::pay(&place, &["greeter"]);
    let text = visit.text();
    assert_eq!(visit.code(), Some(0), "{text}");
    for line in [
        "2 of 2 instances",
        "`one` answers",
        "`two` answers",
        "All is well",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn on_local_all_deployments_are_looked_at_unless_some_are_named() {
    let place = Place::new();
    let _greeter = greeter(&place, "one");
    let visit = Visit::pay(&place, &[]);
    assert_eq!(visit.code(), Some(0), "{}", visit.text());
    assert!(visit.text().contains("`one` answers"), "{}", visit.text());
}

#[test]
fn a_name_that_nobody_announces_is_a_cause() {
    let place = Place::new();
    let visit = Visit::pay(&place, &[&JSON[..], &["gretter"]].concat());
    assert_eq!(visit.code(), Some(1));
    let expected = ("gretter".into(), "not-registered".into());
    assert_eq!(visit.causes(), [expected]);
    let last = visit.findings().pop().expect("it says something");
    assert_eq!(
        (&last["reason"], &last["failed"]),
        (&"finished".into(), &1.into())
    );
}

#[test]
fn an_instance_that_is_frozen_is_a_cause_and_the_others_are_well() {
    let place = Place::new();
    let frozen = greeter(&place, "frozen");
    let _well = greeter(&place, "well");
    frozen.signal(Signal::STOP);
    let visit = Visit::pay(&place, &[&JSON[..], &["greeter"]].concat());
    frozen.signal(Signal::CONT);
    assert_eq!(visit.code(), Some(1));
    let expected = ("frozen".into(), "instance-silent".into());
    assert_eq!(visit.causes(), [expected], "{}", visit.text());
}

#[test]
fn a_registry_that_is_open_to_others_is_a_cause() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let place = Place::new();
    let run = place.path().join("run");
    fs::create_dir(&run).expect("it can be made");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let visit = Visit::pay(&place, &[&JSON[..], &["greeter"]].concat());
    assert_eq!(visit.code(), Some(1));
    assert_eq!(visit.causes(), [(Value::Null, "registry-unusable".into())]);
}

#[test]
fn an_agent_that_is_not_there_is_a_cause() {
    let place = Place::new();
    // Bound and never accepted from would be a place that is slow; this one refuses.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let mesh = format!("consul://{}", free.expect("there is a free port"));
    let visit = Visit::pay(&place, &[&JSON[..], &["--mesh", &mesh, "greeter"]].concat());
    assert_eq!(visit.code(), Some(1));
    assert_eq!(visit.causes(), [(Value::Null, "agent-unreachable".into())]);
}

#[test]
fn what_does_not_fit_the_mesh_is_wrong_usage() {
    let place = Place::new();
    for (arguments, word) in [
        (&["--mesh", "static:greeter=127.0.0.1:1"][..], "looks at"),
        (&["--caller", "api"], "--caller"),
        (
            &["--mesh", "consul://127.0.0.1:8500"],
            "name the deployments",
        ),
        (
            &[
                "--mesh",
                "consul://127.0.0.1:8500?via=plain",
                "--caller",
                "api",
                "ledger",
            ],
            "leave out --caller",
        ),
        (
            &[
                "--mesh",
                "consul://127.0.0.1:8500?via=instance&as=shop",
                "--caller",
                "api",
                "ledger",
            ],
            "`shop`",
        ),
    ] {
        let visit = Visit::pay(&place, arguments);
        assert_eq!(visit.code(), Some(2), "{arguments:?}");
        assert!(visit.text().contains(word), "{}", visit.text());
    }
}

#[test]
fn the_sections_that_it_names_are_those_of_the_guide() {
    let place = Place::new();
    let visit = Visit::pay(&place, &[&JSON[..], &["nobody"]].concat());
    let finding = visit.findings().swap_remove(1);
    let docs = finding["docs"].as_str().expect("a cause names a section");
    let (file, _) = docs.split_once('#').expect("it names a heading");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    assert!(guide.is_file(), "{docs}");
    assert!(finding["fix"].is_string(), "{finding}");
}
