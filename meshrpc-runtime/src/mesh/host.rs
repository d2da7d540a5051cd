//! What processes of one user on one machine share: a directory of their own, and the machine's name.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{Environment, environment::Chosen, name};
use crate::error::{Error, Kind};

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
    let host = name();
    // Room for both hyphens and ten digits of a slot. A deployment of nearly the greatest length
    // has to give some of it: its slots are in its own directory all the same.
    let room = name::MAX - 12;
    let deployment = &deployment[..deployment.len().min(room)];
    let host = &host[..host.len().min(room - deployment.len())];
    format!("{deployment}-{host}-")
}

/// This machine's name, of letters, digits, `-` and `_`.
pub(super) fn name() -> String {
    let uname = rustix::system::uname();
    uname
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
        .collect()
}

pub(super) fn unusable(path: &Path, error: io::Error) -> Error {
    let message = format!(
        "the registry directory {} cannot be used: {error}",
        path.display()
    );
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Denied,
        _ => Kind::Unavailable,
    };
    Error::new(kind, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_always_fits_into_a_name() {
        for length in [1, 60, name::MAX] {
            let prefix = slot_prefix(&"d".repeat(length));
            name::check("name", &format!("{prefix}4294967295")).unwrap();
        }
    }
}
