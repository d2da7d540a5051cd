//! Which namespace.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::super::{Environment, environment::Chosen, name::invalid};
use crate::error::Error;

/// The namespace: given, or that of the workspace this program was built in or started in.
pub(super) fn namespace(environment: &Environment) -> Result<Chosen<String>, Error> {
    if let Some(given) = environment.namespace() {
        return Ok(Chosen {
            value: given.to_owned(),
            because: "MESHRPC_NAMESPACE".to_owned(),
        });
    }
    let starts = [
        ("executable", env::current_exe()),
        ("working directory", env::current_dir()),
    ];
    for (what, start) in starts {
        let Ok(start) = start else { continue };
        if let Some(root) = workspace_above(&start) {
            let because = format!("workspace {} above the {what}", root.display());
            return Ok(Chosen {
                value: namespace_of_workspace(&root)?,
                because,
            });
        }
    }
    Ok(Chosen {
        value: "default".to_owned(),
        because: "no workspace found".to_owned(),
    })
}

/// The namespace of programs that belong to the workspace in `root`, a directory.
///
/// # Errors
/// If the directory does not exist.
pub fn namespace_of_workspace(root: &Path) -> Result<String, Error> {
    let root = root.canonicalize().map_err(|error| {
        invalid(format!(
            "the workspace {} cannot be found: {error}",
            root.display()
        ))
    })?;
    let bytes = root.as_os_str().as_encoded_bytes();
    Ok(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(bytes)))
}

/// As Cargo finds it: the nearest directory above with a workspace's `Cargo.toml`; a package
/// without one is a workspace of its own.
fn workspace_above(start: &Path) -> Option<PathBuf> {
    let mut package = None;
    for directory in start.ancestors() {
        let Ok(manifest) = fs::read_to_string(directory.join("Cargo.toml")) else {
            continue;
        };
        if has_workspace_table(&manifest) {
            return Some(directory.to_owned());
        }
        package.get_or_insert_with(|| directory.to_owned());
    }
    package
}

fn has_workspace_table(manifest: &str) -> bool {
    manifest.lines().any(|line| {
        line.trim_start().strip_prefix('[').is_some_and(|table| {
            table
                .trim_start()
                .strip_prefix("workspace")
                .is_some_and(|rest| {
                    matches!(rest.trim_start().as_bytes().first(), Some(b']' | b'.'))
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_tables_are_told_from_others() {
        for manifest in [
            "[workspace]",
            "a = 1\n  [workspace.package]\n",
            "[ workspace ]",
        ] {
            assert!(has_workspace_table(manifest), "{manifest}");
        }
        for manifest in [
            "[package]\nversion.workspace = true",
            "# [workspace]",
            "[workspaces]",
        ] {
            assert!(!has_workspace_table(manifest), "{manifest}");
        }
    }
}
