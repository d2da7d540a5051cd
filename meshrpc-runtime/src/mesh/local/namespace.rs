//! Which instances meet: those started from one workspace.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

/// The namespace unless `MESHRPC_NAMESPACE` names one: of the nearest workspace above the running
/// executable, else above the working directory, else `default`.
pub fn namespace() -> String {
    let executable = env::current_exe().ok();
    let places = executable.into_iter().chain(env::current_dir().ok());
    places
        .filter_map(|place| workspace_above(&place))
        .map(|root| namespace_of(&root))
        .next()
        .unwrap_or_else(|| "default".to_owned())
}

/// The namespace of the workspace whose root is this directory: two checkouts have two.
pub fn namespace_of(workspace_root: &Path) -> String {
    let root = fs::canonicalize(workspace_root).unwrap_or_else(|_| workspace_root.to_owned());
    format!("{:016x}", xxh3_64(root.as_os_str().as_encoded_bytes()))
}

/// The nearest directory upwards whose `Cargo.toml` has a `[workspace]`.
fn workspace_above(place: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| {
            let line = line.trim();
            line == "[workspace]" || line.starts_with("[workspace.")
        })
    };
    place.ancestors().find(is_root).map(Path::to_owned)
}

/// This machine's name, as far as it can stand in an instance's.
pub(super) fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short = name.split('.').next().unwrap_or_default();
    let fitting = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let host: String = short.chars().filter(fitting).take(40).collect();
    if host.is_empty() { "host".to_owned() } else { host }
}
