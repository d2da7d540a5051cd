//! A run happens as a whole or not at all, whenever it is killed.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::project::{Project, TRAIT};

const TRAITS: usize = 12;
const KILLS: u32 = 40;

/// What the tree holds.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Tree {
    Old,
    New,
}

/// A project of many traits, exposed and then changed; the argument of each is named after `version`.
fn project() -> Project {
    let project = Project::new();
    let modules: String = (0..TRAITS).map(|n| format!("pub mod m{n};\n")).collect();
    project.put("src/lib.rs", &modules);
    change(&project, "old");
    project.expose(&["--yes"]).ends_with(0);
    project
}

fn change(project: &Project, version: &str) {
    for n in 0..TRAITS {
        let text = TRAIT
            .replace("Greeter", &format!("Greeter{n}"))
            .replace("name: &str", &format!("{version}: &str"));
        project.put(&format!("src/m{n}.rs"), &text);
    }
}

/// What all files hold, or how many hold what.
fn tree(project: &Project) -> Result<Tree, (usize, usize)> {
    let (mut old, mut new) = (0, 0);
    for n in 0..TRAITS {
        for half in ["handler", "client"] {
            let text = project.get(&format!("src/greeter{n}_{half}_gen.rs"));
            let end = match half {
                "handler" => "_ => rt::unknown_method(),",
                _ => "Greeter",
            };
            assert!(text.ends_with("}\n") && text.contains(end), "half a file");
            match (text.contains("old"), text.contains("new_")) {
                (true, false) => old += 1,
                (false, true) => new += 1,
                _ => panic!("neither the old file nor the new one: {text}"),
            }
        }
    }
    match (old, new) {
        (_, 0) => Ok(Tree::Old),
        (0, _) => Ok(Tree::New),
        mixed => Err(mixed),
    }
}

fn journal(project: &Project) -> bool {
    project.path(".meshrpc-expose").exists()
}

/// Waits until the run that was killed is over, which its second process sees to.
fn settle(project: &Project) {
    let begun = Instant::now();
    while journal(project) {
        assert!(
            begun.elapsed() < meshrpc_tests::command::CAP,
            "it never ends"
        );
        thread::yield_now();
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_happened_as_a_whole_or_not_at_all() {
    let project = project();
    let mut old = files(project.root());
    old.retain(|(path, _)| path.ends_with("_gen.rs"));
    change(&project, "new_");
    // How long a run takes here, to kill it at every part of it.
    let begun = Instant::now();
    project.expose(&["--yes"]).ends_with(0);
    let whole = begun.elapsed().max(Duration::from_millis(1));
    assert_eq!(tree(&project), Ok(Tree::New));
    let new = files(project.root());

    let (mut old_trees, mut new_trees) = (0, 0);
    for kill in 0..KILLS {
        for (path, text) in &old {
            fs::write(path, text).expect("it is written");
        }
        assert_eq!(tree(&project), Ok(Tree::Old));
        let mut child = project
            .command(&["--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // At moments of every part of a run; most where it changes files.
        let seen = |file: &str| project.path(file).exists();
        let begun = Instant::now();
        let late = || match kill % 5 {
            0 => begun.elapsed() >= whole * kill / KILLS,
            1 => seen("src/.greeter0_handler_gen.rs.meshrpc-new"),
            2 => seen("src/.greeter9_client_gen.rs.meshrpc-new"),
            3 => seen(".meshrpc-expose"),
            _ => project.get("src/greeter0_handler_gen.rs").contains("new_"),
        };
        while !late() && child.try_wait().expect("it can be asked").is_none() {
            std::hint::spin_loop();
        }
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        settle(&project);
        match tree(&project) {
            Ok(Tree::Old) => old_trees += 1,
            Ok(Tree::New) => new_trees += 1,
            Err((old, new)) => panic!("{old} files are old and {new} are new"),
        }
        project.expose(&["--yes"]).ends_with(0);
        assert_eq!(files(project.root()), new, "after the next run");
    }
    assert!(
        old_trees > 0 && new_trees > 0,
        "{old_trees} trees were old and {new_trees} new: one side was never met"
    );
}

/// Every file below the project but cargo's.
fn files(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.push((path.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_run_of_which_both_processes_ended_is_finished_by_the_next_and_reported_until_then() {
    let project = project();
    let old = project.get("src/greeter0_client_gen.rs");
    change(&project, "new_");
    project.expose(&["--yes"]).ends_with(0);
    let new = project.get("src/greeter0_client_gen.rs");
    // As it is left between two renames: the first was made, the second was not.
    let path = |file: &str| fs::canonicalize(project.path(file)).expect("it is there");
    let client = path("src/greeter0_client_gen.rs");
    project.put("src/greeter0_client_gen.rs", &old);
    project.put("src/.greeter0_client_gen.rs.meshrpc-new", &new);
    let mut before = DefaultHasher::new();
    old.hash(&mut before);
    let before = before.finish();
    let entry = format!("{{\"path\":{client:?},\"before\":{before},\"remove\":false}}");
    let journal_text = format!("{{\"version\":1,\"entries\":[{entry}]}}");
    project.put(".meshrpc-expose", &journal_text);

    let check = project.expose(&["--check"]).ends_with(100);
    let check = check.says("an earlier run was interrupted: run `cargo meshrpc expose`");
    assert!(check.stdout().contains("+++ b/src/greeter0_client_gen.rs"));
    assert!(journal(&project), "a check changes nothing");
    project
        .expose(&["--yes"])
        .ends_with(0)
        .says("finished what an interrupted run had begun")
        .says("24 files are up to date");
    assert_eq!(tree(&project), Ok(Tree::New));
    assert!(!journal(&project));
    assert!(
        !project
            .path("src/.greeter0_client_gen.rs.meshrpc-new")
            .exists()
    );
    project.expose(&["--check"]).ends_with(0);
}

#[test]
fn what_cannot_be_written_leaves_everything_as_it_was() {
    let project = project();
    change(&project, "new_");
    let before = files(project.root());
    // Nobody, not even root, can make a file of this name where a folder has it.
    let blocked = project.path("src/.greeter7_client_gen.rs.meshrpc-new");
    fs::create_dir(&blocked).expect("a folder");
    project
        .expose(&["--yes"])
        .ends_with(1)
        .says("greeter7_client_gen.rs");
    fs::remove_dir(&blocked).expect("it is empty");
    assert_eq!(files(project.root()), before);
}
