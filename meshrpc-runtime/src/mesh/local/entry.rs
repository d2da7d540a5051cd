//! One instance: a file, the lock on it, and what it says.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::super::name;
use crate::discovery::Health;

mod record;

pub(super) use record::Record;

/// An entry that this process announces: as long as this lives, others find it alive.
#[derive(Debug)]
pub(super) struct Held {
    directory: PathBuf,
    name: String,
    record: Record,
    /// The locked file; none once withdrawn.
    file: Option<File>,
    /// That it cannot be restored was said.
    complained: bool,
}

/// Which name to take.
#[derive(Debug)]
pub(super) enum Claim<'a> {
    /// This one.
    Named(&'a str),
    /// This, and the lowest free number.
    LowestSlot(&'a str),
}

#[derive(Debug)]
pub(super) enum ClaimError {
    /// The name belongs to a process that is alive.
    Taken {
        name: String,
        pid: Option<u32>,
    },
    Io(io::Error),
}

/// What stands under a name.
#[derive(Debug)]
pub(super) enum Probe {
    Nothing,
    /// Its process is gone.
    Dead,
    /// Its process lives; no record if it is one of a version that this one cannot read.
    Alive(Option<Record>),
}

/// The entries of a deployment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Sorted by name.
    pub(super) alive: Vec<(String, Record)>,
    pub(super) dead: bool,
}

/// Guards names and removal in one deployment.
const LOCK: &str = ".lock";
const TEMPORARY: &str = ".new-";
/// Holders of [`LOCK`] do a few system calls; one that keeps it this long is stopped.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// How often an entry may be replaced under the eyes of a reader before the reader gives up.
const ATTEMPTS: usize = 100;

impl Held {
    /// Takes a name in `directory` and announces `record` under it.
    pub(super) fn claim(
        directory: &Path,
        claim: &Claim<'_>,
        record: Record,
    ) -> Result<Self, ClaimError> {
        let _names = lock_names(directory)?;
        let name = match claim {
            Claim::Named(name) => match probe(&directory.join(name))? {
                Probe::Alive(owner) => {
                    let pid = owner.map(|owner| owner.pid);
                    return Err(ClaimError::Taken {
                        name: (*name).to_owned(),
                        pid,
                    });
                }
                Probe::Dead | Probe::Nothing => (*name).to_owned(),
            },
            Claim::LowestSlot(prefix) => {
                let mut slot = 0_u32;
                loop {
                    let name = format!("{prefix}{slot}");
                    if !matches!(probe(&directory.join(&name))?, Probe::Alive(_)) {
                        break name;
                    }
                    slot += 1;
                }
            }
        };
        let mut held = Self {
            directory: directory.to_owned(),
            name,
            record,
            file: None,
            complained: false,
        };
        // Replaces a dead entry. Nobody else does: that takes the lock held above.
        held.publish(held.record.clone())?;
        Ok(held)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Announces `record` instead of what was announced before.
    pub(super) fn publish(&mut self, record: Record) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            match self.replace(&record) {
                // Swept between its creation and its lock, or with the whole directory.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    super::super::host::create_private(&self.directory)?;
                }
                Err(error) => return Err(error),
                Ok(file) => {
                    // The old file's lock goes after the new one is in its place.
                    self.file = Some(file);
                    self.complained = false;
                    self.record = record;
                    return Ok(());
                }
            }
        }
        Err(io::Error::other(
            "the entry is removed as often as it is written",
        ))
    }

    fn replace(&self, record: &Record) -> io::Result<File> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = self
            .directory
            .join(format!("{TEMPORARY}{}-{number}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.lock()?;
        let written = file
            .write_all(record.to_string().as_bytes())
            .and_then(|()| fs::rename(&temporary, self.directory.join(&self.name)));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| file)
    }

    /// Announces the entry again if somebody swept it away; says whether that was so.
    pub(super) fn restore(&mut self) -> io::Result<bool> {
        let Some(file) = &self.file else {
            return Ok(false);
        };
        if is_at(file, &self.path())? {
            return Ok(false);
        }
        match lock_names(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                super::super::host::create_private(&self.directory)?;
                return self.restore();
            }
            names => {
                let _names = names?;
                if let Probe::Alive(_) = probe(&self.path())? {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        "another process has taken its name",
                    ));
                }
                self.publish(self.record.clone())?;
            }
        }
        Ok(true)
    }

    /// True the first time since the entry was last written.
    pub(super) fn complain(&mut self) -> bool {
        !std::mem::replace(&mut self.complained, true)
    }

    /// Removes the entry; a second time does nothing.
    pub(super) fn withdraw(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        // While this lock is held nobody else replaces the file.
        if is_at(&file, &self.path())? {
            match fs::remove_file(self.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

impl From<io::Error> for ClaimError {
    fn from(error: io::Error) -> Self {
        ClaimError::Io(error)
    }
}

/// Reads every entry.
pub(super) fn scan(directory: &Path) -> io::Result<Scan> {
    let mut scan = Scan::default();
    for name in names(directory)? {
        match probe(&directory.join(&name))? {
            Probe::Alive(Some(record)) => scan.alive.push((name, record)),
            Probe::Alive(None) | Probe::Nothing => {}
            Probe::Dead => scan.dead = true,
        }
    }
    Ok(scan)
}

/// The names in a directory that could be instances or deployments, sorted.
pub(super) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        if let Some(entry) = entry?.file_name().to_str()
            && name::check("", entry).is_ok()
        {
            names.push(entry.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes what dead processes left, unless somebody else is busy with names.
pub(super) fn sweep(directory: &Path) -> io::Result<()> {
    let names = open_names(directory)?;
    match names.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|entry| entry.starts_with(TEMPORARY) || name::check("", entry).is_ok());
        // Nobody takes a name while the lock is held, and a process that lives only ever renames
        // one locked file over another: what is dead here stays dead.
        if is_ours && let Probe::Dead = probe(&entry.path())? {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Finds out what stands at `path`. The shared lock it tries is in nobody's way: processes lock
/// their entries before these have a name.
pub(super) fn probe(path: &Path) -> io::Result<Probe> {
    for _ in 0..ATTEMPTS {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Probe::Nothing),
            file => file?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let mut text = Vec::new();
                file.take(record::MAX).read_to_end(&mut text)?;
                let record = str::from_utf8(&text)
                    .ok()
                    .and_then(|text| text.parse().ok());
                return Ok(Probe::Alive(record));
            }
            Err(TryLockError::Error(error)) => return Err(error),
            // Unlocked, or it was replaced after it was opened: then the next one counts.
            Ok(()) => {
                if is_at(&file, path)? {
                    return Ok(Probe::Dead);
                }
            }
        }
    }
    Err(io::Error::other(
        "the entry is replaced as often as it is read",
    ))
}

fn lock_names(directory: &Path) -> io::Result<File> {
    let names = open_names(directory)?;
    let begun = Instant::now();
    loop {
        match names.try_lock() {
            Ok(()) => return Ok(names),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "a stopped process holds its `.lock`",
                ));
            }
        }
    }
}

fn open_names(directory: &Path) -> io::Result<File> {
    let path = directory.join(OsStr::new(LOCK));
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Whether `file` is what stands at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.ino() == held.ino() && found.dev() == held.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Record {
    pub(super) fn is_ready(&self) -> bool {
        self.health == Health::Ready
    }
}
