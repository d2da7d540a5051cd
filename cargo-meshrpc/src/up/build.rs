//! One build for all services.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    io::BufReader,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use cargo_metadata::{Message, PackageId};

use super::plan::Plan;

/// The executables by package and binary.
pub(super) type Executables = HashMap<(PackageId, String), PathBuf>;

/// The cargo that started this one, or the one in the path.
pub(super) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// Builds every service's binary. Cargo shows its progress on stderr.
pub(super) fn build(plan: &Plan, release: bool, quiet: bool) -> anyhow::Result<Executables> {
    let packages: BTreeSet<_> = plan
        .services
        .iter()
        .map(|s| s.package.repr.as_str())
        .collect();
    let bins: BTreeSet<_> = plan
        .services
        .iter()
        .map(|service| service.bin.as_str())
        .collect();
    let mut command = Command::new(cargo());
    command
        .args(["build", "--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(plan.root.join("Cargo.toml"))
        .args(packages.iter().flat_map(|package| ["--package", *package]))
        .args(bins.iter().flat_map(|bin| ["--bin", *bin]))
        .args(release.then_some("--release"))
        .args(quiet.then_some("--quiet"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cargo cannot be started")?;
    let mut executables = Executables::new();
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            if let Message::CompilerArtifact(artifact) = message.context("cargo's output")?
                && artifact.target.is_bin()
                && let Some(executable) = artifact.executable
            {
                executables.insert(
                    (artifact.package_id, artifact.target.name),
                    executable.into(),
                );
            }
        }
    }
    if !child.wait()?.success() {
        bail!("the build failed");
    }
    Ok(executables)
}
