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
            if dependencies && !said.is_empty() && !said.contains("workspace=true") {
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
