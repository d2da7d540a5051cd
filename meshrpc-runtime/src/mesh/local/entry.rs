//! Entries and their locks.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use super::replace_file;
use crate::{
    discovery::Address,
    error::{Code, Error, Kind},
};

/// First line of an entry.
const FORMAT: &str = "meshrpc 1";
/// A lock that is taken may be a reader's, who holds it for microseconds: it is tried so often, with
/// such a pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(2);

/// An instance as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalInstance {
    /// Stable name.
    pub name: String,
    /// Where it listens.
    pub address: Address,
    /// Epoch of this boot.
    pub epoch: u64,
    /// How it is.
    pub state: State,
    /// Its process.
    pub pid: u32,
}

/// How an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet ready.
    Starting,
    /// Takes calls.
    Ready,
    /// Takes no new calls.
    Draining,
}

/// A name that this process holds. Dropping it removes the entry and frees the name.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    entry: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Locks that were looked at before, so that looking again is one system call.
#[derive(Debug, Default)]
pub(super) struct Locks(HashMap<String, File>);

impl Slot {
    /// Takes a name; `None` if it belongs to somebody who is alive.
    pub(super) fn reserve(folder: &Path, name: &str) -> io::Result<Option<Slot>> {
        let entry = folder.join(format!("{name}.entry"));
        let lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(format!("{name}.lock")))?;
        for attempt in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(Slot { name: name.to_owned(), entry, _lock: lock })),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if attempt + 1 == TRIES || owner_lives(&entry) => break,
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
        Ok(None)
    }

    pub(super) fn write(&self, instance: &LocalInstance) -> io::Result<()> {
        replace_file(&self.entry, &instance.to_string())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // What stays is found dead by its lock.
        let _ = fs::remove_file(&self.entry);
    }
}

/// Whether the entry's process runs: then it is the one that holds the lock.
fn owner_lives(entry: &Path) -> bool {
    let instance = fs::read_to_string(entry).ok().and_then(|text| parse("", &text));
    let pid = instance.and_then(|instance| i32::try_from(instance.pid).ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// The live instances in `folder`, by name. Entries of the dead are removed.
pub(super) fn list(folder: &Path, locks: &mut Locks) -> io::Result<Vec<LocalInstance>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension() != Some(OsStr::new("entry")) {
            continue;
        }
        let Some(name) = path.file_stem().and_then(OsStr::to_str) else { continue };
        // It may be gone by now, as any of them.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if locks.is_alive(&path, name)
            && let Some(instance) = parse(name, &text)
        {
            found.push(instance);
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    locks.0.retain(|name, _| found.iter().any(|instance| instance.name == *name));
    Ok(found)
}

impl Locks {
    /// Whether somebody holds the lock of this entry; if nobody does, the entry is removed.
    fn is_alive(&mut self, entry: &Path, name: &str) -> bool {
        let lock = match self.0.get(name) {
            Some(lock) => lock,
            None => match File::open(entry.with_extension("lock")) {
                Ok(lock) => self.0.entry(name.to_owned()).or_insert(lock),
                Err(_) => return false,
            },
        };
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
            Ok(()) => {
                // Nobody can have written a new one: that takes the lock, which is held here.
                let _ = fs::remove_file(entry);
                let _ = lock.unlock();
                false
            }
        }
    }
}

impl fmt::Display for LocalInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, epoch, state, pid, .. } = self;
        writeln!(f, "{FORMAT}\naddress {address}\nepoch {epoch}\nstate {state}\npid {pid}")
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Starting => "starting",
            State::Ready => "ready",
            State::Draining => "draining",
        })
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [State::Starting, State::Ready, State::Draining]
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or(())
    }
}

/// An entry of another format is none of ours.
fn parse(name: &str, text: &str) -> Option<LocalInstance> {
    let mut lines = text.lines();
    if lines.next()? != FORMAT {
        return None;
    }
    let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    Some(LocalInstance {
        name: name.to_owned(),
        address: field("address")?.parse().ok()?,
        epoch: field("epoch")?.parse().ok()?,
        state: field("state")?.parse().ok()?,
        pid: field("pid")?.parse().ok()?,
    })
}

/// Whether text can be a directory's or file's name here.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(fits) {
        let message = format!(
            "`{name}` cannot be the name of a {what}: 1 to 128 letters, digits, `-`, `_` and `.`, \
             which must not begin it"
        );
        return Err(Error::new(Kind::Protocol, message).with_code(Code::InvalidArgument));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let instance = LocalInstance {
            name: "greeter-1".to_owned(),
            address: "127.0.0.1:4000".parse().unwrap(),
            epoch: 7,
            state: State::Draining,
            pid: 42,
        };
        assert_eq!(parse("greeter-1", &instance.to_string()), Some(instance));
    }

    #[test]
    fn half_an_entry_is_none() {
        for text in ["", "meshrpc 1\n", "meshrpc 2\naddress x\n", "meshrpc 1\naddress 127.0.0.1:1\n"] {
            assert_eq!(parse("x", text), None, "{text}");
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["", ".", "..", "a/b", "../a", ".hidden", "a b", "ä"] {
            assert!(check_name("deployment", name).is_err(), "{name}");
        }
        assert!(check_name("deployment", "acme.greeter-1_x").is_ok());
    }
}
