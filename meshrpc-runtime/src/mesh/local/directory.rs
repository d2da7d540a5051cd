//! Which directory, and whether it is safe to use.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::super::{
    Environment,
    environment::Chosen,
    name::{self, invalid},
};
use super::unusable;
use crate::error::Error;

/// The runtime directory, created and checked.
pub(super) fn runtime_dir(environment: &Environment) -> Result<Chosen<PathBuf>, Error> {
    let chosen = if let Some(given) = environment.runtime_dir() {
        Chosen {
            value: given.to_owned(),
            because: "MESHRPC_RUNTIME_DIR".to_owned(),
        }
    } else if let Some(xdg) = environment
        .xdg_runtime_dir()
        .filter(|xdg| is_own_directory(xdg))
    {
        Chosen {
            value: xdg.join("meshrpc"),
            because: "XDG_RUNTIME_DIR".to_owned(),
        }
    } else {
        let uid = rustix::process::geteuid().as_raw();
        Chosen {
            value: env::temp_dir().join(format!("meshrpc-{uid}")),
            because: "no XDG_RUNTIME_DIR of this user".to_owned(),
        }
    };
    create_private(&chosen.value).map_err(|error| unusable(&chosen.value, error))?;
    Ok(chosen)
}

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

/// Creates a directory for this user alone, or checks that it is one.
///
/// # Errors
/// `PermissionDenied` if it belongs to somebody else, is open to others, or is a symbolic link.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    // Checked also if it was just created: a strange umask may have taken rights away, and a
    // parent that others may write to is found out here.
    let found = fs::symlink_metadata(path)?;
    let denied = |reason: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    let me = rustix::process::geteuid().as_raw();
    if found.is_symlink() {
        return denied("it is a symbolic link".to_owned());
    }
    if !found.is_dir() {
        return denied("it is not a directory".to_owned());
    }
    if found.uid() != me {
        return denied(format!(
            "it belongs to user {}, this process runs as {me}",
            found.uid()
        ));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return denied(format!(
            "others may enter it (mode {mode:o}): `chmod 700` it"
        ));
    }
    Ok(())
}

fn is_own_directory(path: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    path.is_absolute() && fs::metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == me)
}

/// What stands before the slot in a chosen stable name: `<deployment>-<host>-`.
pub(super) fn slot_prefix(deployment: &str) -> String {
    let uname = rustix::system::uname();
    let host: String = uname
        .nodename()
        .to_string_lossy()
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == '-' {
                char
            } else {
                '_'
            }
        })
        .collect();
    // Room for both hyphens and ten digits of a slot. A deployment of nearly the greatest length
    // has to give some of it: its slots are in its own directory all the same.
    let room = name::MAX - 12;
    let deployment = &deployment[..deployment.len().min(room)];
    let host = &host[..host.len().min(room - deployment.len())];
    format!("{deployment}-{host}-")
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

    #[test]
    fn a_slot_always_fits_into_a_name() {
        for length in [1, 60, name::MAX] {
            let prefix = slot_prefix(&"d".repeat(length));
            name::check("name", &format!("{prefix}4294967295")).unwrap();
        }
    }
}
