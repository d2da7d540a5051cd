//! Who an instance is: a stable name for its callers, and an id of its own for the agent.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Setting;
use crate::{
    error::{Error, Kind},
    mesh::{Environment, host, name},
};

/// A stable name that was chosen: the lowest number on this machine that no living process holds.
/// It is free for others when this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    /// Free for a socket of its holder.
    pub(crate) socket: PathBuf,
    _lock: File,
}

/// The directory of slots of the instances that one mesh has on this machine.
///
/// # Errors
/// If there is no directory for this user alone.
pub(super) fn directory(environment: &Environment, mesh: &str) -> Result<PathBuf, Error> {
    let mut path = host::runtime_dir(environment)?.value;
    // Each mesh counts by itself.
    let mesh = xxhash_rust::xxh3::xxh3_64(mesh.as_bytes());
    for part in ["consul".to_owned(), format!("{mesh:016x}")] {
        path.push(part);
        host::create_private(&path).map_err(|error| host::unusable(&path, error))?;
    }
    Ok(path)
}

impl Slot {
    /// As [`take`](Self::take), where that may block.
    pub(crate) async fn choose(setting: &Arc<Setting>, service: &str) -> Result<Slot, Error> {
        let (setting, service) = (Arc::clone(setting), service.to_owned());
        let take = move || Slot::take(&setting.slots()?, &service);
        let taken = tokio::task::spawn_blocking(take).await;
        taken.unwrap_or_else(|error| {
            Err(Error::new(Kind::Unavailable, "the runtime is shutting down").with_source(error))
        })
    }

    /// Takes the lowest free number for an instance of `service`. It touches files.
    ///
    /// # Errors
    /// If they cannot be used.
    pub(crate) fn take(directory: &Path, service: &str) -> Result<Slot, Error> {
        let directory = directory.join(service);
        let take = || -> io::Result<Slot> {
            host::create_private(&directory)?;
            let prefix = host::slot_prefix(service);
            for slot in 0_u32.. {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .mode(0o600)
                    .open(directory.join(format!("{slot}.lock")))?;
                match file.try_lock() {
                    Ok(()) => {
                        return Ok(Slot {
                            name: format!("{prefix}{slot}"),
                            socket: directory.join(format!("{slot}.sock")),
                            _lock: file,
                        });
                    }
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Err(io::Error::other("no number is free"))
        };
        take().map_err(|error| host::unusable(&directory, error))
    }
}

/// An id that no other process has, nor this one a second time: `<service>-<host>-<pid>-<random>`.
pub(crate) fn id(service: &str) -> String {
    let host = host::name();
    let pid = std::process::id();
    let random = fastrand::u32(..);
    // Agents take longer ids than this; it keeps them readable.
    let service = &service[..service.len().min(name::MAX / 2)];
    let host = &host[..host.len().min(name::MAX / 4)];
    format!("{service}-{host}-{pid}-{random:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_lowest_that_are_free() {
        let directory = tempfile::tempdir().unwrap();
        let take = || Slot::take(directory.path(), "greeter").unwrap();
        let (first, second) = (take(), take());
        assert!(first.name.ends_with("-0") && second.name.ends_with("-1"));
        assert!(first.name.starts_with("greeter-"));
        drop(first);
        assert!(take().name.ends_with("-0"));
        let other = Slot::take(directory.path(), "other").unwrap();
        assert!(other.name.ends_with("-0"));
    }

    #[test]
    fn ids_differ_and_can_be_names() {
        let long = "x".repeat(name::MAX);
        for service in ["greeter", &long] {
            let (one, other) = (id(service), id(service));
            assert_ne!(one, other);
            name::check("id", &one).unwrap();
        }
    }
}
