//! Faults planted in the core, each in a build of its own: the simulation has to find every one.
//!
//! What is built is the core and the simulation without the rest of the runtime, in a package that
//! is written here; so a fault costs a few seconds, and what it depends on is built once. Versions
//! are those of the workspace's lock file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Seeds within which a fault has to be found.
const SEEDS: u64 = 20_000;
/// Seeds in which a core without a fault breaks no rule.
const SOUND: u64 = 200;

#[test]
fn every_planted_fault_is_found() {
    let build = Build::new();
    assert_eq!(build.first_broken(None, SOUND), "", "without a fault");
    let mut missed = Vec::new();
    for fault in planted() {
        let found = build.first_broken(Some(&fault), SEEDS);
        match found.split_once(' ') {
            Some((seed, what)) => println!("{fault}: seed {seed}: {}", what.trim_end()),
            None => missed.push(fault),
        }
    }
    assert!(
        missed.is_empty(),
        "not found within {SEEDS} seeds: {missed:?}"
    );
}

/// The names of the faults, from the core's source.
fn planted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![runtime().join("src/wire")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("the core's source is there");
        for entry in entries {
            let path = entry.expect("the core's source is there").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source is text");
            let faults = text.split("meshrpc_fault = \"").skip(1);
            found.extend(faults.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    assert!(found.len() >= 8, "these faults are planted: {found:?}");
    found
}

/// A package of the core and its simulation.
struct Build {
    folder: PathBuf,
}

impl Build {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted-faults");
        fs::create_dir_all(&folder).expect("a folder for the package");
        let program = runtime().join("tests/simulation/planted/core.rs");
        let manifest = format!(
            r#"[package]
name = "planted-faults"
edition = "2024"

[workspace]

[[bin]]
name = "planted-faults"
path = {program:?}

[features]
default = ["testing"]
testing = []
json = []

[dependencies]
bytes = "*"
crc32fast = "*"
fastrand = "*"
hmac = "*"
memmap2 = "*"
sha2 = {{ version = "*", default-features = false }}
thiserror = "*"

[lints.rust]
unexpected_cfgs = "allow"

# Many seeds are run for the faults that show rarely.
[profile.dev]
opt-level = 1
debug = false
incremental = false
"#
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest is written");
        let lock = runtime().join("../Cargo.lock");
        fs::copy(lock, folder.join("Cargo.lock")).expect("the workspace has a lock file");
        Self { folder }
    }

    /// The first of seeds 0 to `count` that breaks a rule, and which; nothing if none does.
    fn first_broken(&self, fault: Option<&str>, count: u64) -> String {
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        let mut build = Command::new(cargo);
        build
            .args(["rustc", "--quiet", "--offline", "--target-dir"])
            .arg(self.folder.join("target"))
            .current_dir(&self.folder)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        if let Some(fault) = fault {
            build.args(["--", "--cfg", &format!("meshrpc_fault={fault:?}")]);
        }
        output(build);
        let program = self.folder.join("target/debug/planted-faults");
        let mut run = Command::new(program);
        run.arg(count.to_string());
        String::from_utf8_lossy(&output(run).stdout).into_owned()
    }
}

/// What a command printed, if it went well.
fn output(mut command: Command) -> Output {
    let output = command.output().expect("the command can be run");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn runtime() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
