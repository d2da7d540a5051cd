//! The directory of this user that holds the registry, and nobody else's.

use std::{
    fs::{self, DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// The runtime directory unless `MESHRPC_RUNTIME_DIR` names one: `meshrpc` under
/// `$XDG_RUNTIME_DIR`, else a folder of this user's under the directory for temporary files.
pub fn runtime_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path).join("meshrpc"),
        None => {
            let user = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("meshrpc-{user}"))
        }
    }
}

/// Makes the runtime directory, or makes sure that it is one nobody else can write to: whoever can,
/// could send calls wherever they like.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    make_private(path).map(drop)
}

/// Makes a directory with mode 0700 if there is none, and checks it.
pub(super) fn make_private(path: &Path) -> io::Result<PathBuf> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    check(&fs::symlink_metadata(path)?)
        .map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))?;
    Ok(path.to_owned())
}

fn check(found: &Metadata) -> Result<(), String> {
    let user = rustix::process::geteuid().as_raw();
    if !found.is_dir() {
        return Err("it is not a directory".to_owned());
    }
    if found.uid() != user {
        return Err(format!("it belongs to user {}, not to {user}", found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        return Err(format!("others have access to it (mode {:o}, not 700)", found.mode() & 0o777));
    }
    Ok(())
}
