//! What is published, and where versions stand.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{read, report, root};

const PUBLISHED: [&str; 4] = [
    "cargo-meshrpc",
    "meshrpc-macros",
    "meshrpc-runtime",
    "meshrpc-templates",
];

/// Name, folder, and what Cargo knows of each member.
fn packages() -> Vec<Value> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().cloned();
    packages.expect("cargo lists packages")
}

/// A member's manifest: its name beside the workspace, and its lines.
fn manifest(package: &Value) -> (String, String) {
    let path = package["manifest_path"].as_str().expect("a path");
    let root = root().canonicalize().expect("the workspace is there");
    let path = Path::new(path)
        .strip_prefix(&root)
        .unwrap_or(Path::new(path));
    (path.display().to_string(), read(path))
}

#[test]
fn four_crates_can_be_published_and_no_other() {
    let mut complaints = Vec::new();
    let mut published = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().expect("a name").to_owned();
        let may_be_published = package["publish"]
            .as_array()
            .is_none_or(|to| !to.is_empty());
        if !may_be_published {
            continue;
        }
        for field in ["description", "license", "repository", "rust_version"] {
            if package[field].as_str().is_none_or(str::is_empty) {
                complaints.push(format!("{name} has no {field}"));
            }
        }
        published.push(name);
    }
    published.sort();
    if published != PUBLISHED {
        complaints.push(format!(
            "published are {published:?}, meant are {PUBLISHED:?}: say `publish = false`"
        ));
    }
    report(&complaints);
}

#[test]
fn versions_stand_in_the_workspace_only() {
    let mut complaints = Vec::new();
    for package in packages() {
        let (file, text) = manifest(&package);
        let mut dependencies = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(section) = line.strip_prefix('[') {
                dependencies = section.trim_end_matches(']').ends_with("dependencies");
                if section.contains("dependencies.") {
                    complaints.push(format!(
                        "{file}:{}: write a dependency on one line",
                        number + 1
                    ));
                }
                continue;
            }
            let said = line.split('#').next().unwrap_or_default().replace(' ', "");
            // A member that is not published names another by its path alone.
            let named = said.contains("workspace=true")
                || said.contains("path=") && !said.contains("version=");
            if dependencies && !said.is_empty() && !named {
                complaints.push(format!(
                    "{file}:{}: `{line}`: name the version in the workspace's Cargo.toml",
                    number + 1
                ));
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    let mut complaints = Vec::new();
    for package in packages() {
        let (file, text) = manifest(&package);
        if !text.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{file}: write `[lints]` and `workspace = true`"));
        }
    }
    report(&complaints);
}

#[test]
fn the_documentation_lists_every_feature() {
    let packages = packages();
    let runtime = packages
        .iter()
        .find(|package| package["name"] == "meshrpc-runtime");
    let features = runtime.expect("it is a member")["features"].as_object();
    let default = |name: &str| {
        let default = features.and_then(|features| features["default"].as_array());
        default.is_some_and(|names| names.iter().any(|default| default == name))
    };
    let mut expected: Vec<String> = features
        .expect("it has features")
        .keys()
        .filter(|name| *name != "default")
        .map(|name| {
            format!(
                "| `{name}` | {} |",
                if default(name) { "yes" } else { "no" }
            )
        })
        .collect();
    let text = read("meshrpc-runtime/src/lib.rs");
    let mut listed: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split_inclusive('|').take(3).collect())
        .collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}
