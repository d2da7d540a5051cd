//! The changes of one run, made together.
//!
//! Every new text is first written to a temporary file beside its destination, and synced. Then one
//! rename puts the journal in place, which lists all changes: from there on the run happens, before
//! it did not. Renames and removals follow, then the journal goes.
//!
//! Each file is thus the old or the new one at any moment. The renames of several files are not one
//! step on any file system, so a second process waits until the first is gone, and if the journal is
//! still there, makes the rest of the changes: the process that runs can be killed at any moment, and
//! all files are old or all are new. Should both be killed, or the machine stop, the next run finishes
//! first; until then a trait whose files are not of one version does not compile, with the error that
//! names the command.

mod journal;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::{FINISH, plan::Planned};
use journal::{Entry, Journal, digest};

/// A change of one file.
pub(crate) struct Change {
    path: PathBuf,
    /// What it held when the change was planned.
    before: Option<String>,
    /// What it has to hold; nothing if it has to go.
    after: Option<String>,
}

impl Change {
    pub(crate) fn of(file: &Planned) -> Self {
        Self {
            path: file.path.clone(),
            before: file.present.clone(),
            after: file.text.clone(),
        }
    }
}

/// A workspace whose files are changed by one run at a time.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// True if a run was interrupted between its changes.
    pub(crate) fn was_interrupted(&self) -> bool {
        Journal::path(&self.root).exists()
    }

    /// Finishes a run that was interrupted between its changes, and removes what one left behind in
    /// `folders` that was interrupted before; true if it was between.
    pub(crate) fn recover(&self, folders: &BTreeSet<&Path>) -> Result<bool> {
        let _lock = self.lock()?;
        let finished = self.roll()?;
        remove(&Journal::temporary(&self.root))?;
        for folder in folders {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if is_temporary(&entry.file_name()) {
                    remove(&entry.path())?;
                }
            }
        }
        Ok(finished)
    }

    /// Makes all changes.
    ///
    /// # Errors
    /// If a file is no longer what it was when the changes were planned, or cannot be written. Then
    /// none is made, unless the file system fails between the renames.
    pub(crate) fn commit(&self, changes: &[Change]) -> Result<()> {
        let lock = self.lock()?;
        anyhow::ensure!(
            !self.was_interrupted(),
            "another run was interrupted meanwhile: run this again"
        );
        let staged = stage(changes).and_then(|()| {
            let guard = self.guard();
            let entries = changes.iter().map(|change| Entry {
                path: change.path.clone(),
                before: change.before.as_deref().map(digest),
                remove: change.after.is_none(),
            });
            Journal::new(entries.collect()).write(&self.root)?;
            Ok(guard)
        });
        let guard = match staged {
            Ok(guard) => guard,
            Err(error) => {
                for change in changes {
                    remove(&temporary(&change.path))?;
                }
                return Err(error);
            }
        };
        let rolled = self.roll();
        // The other process looks at the journal under the lock.
        drop(lock);
        guard.release();
        rolled.map(|_| ())
    }

    /// Makes what changes of a journal are left; true if there is one.
    fn roll(&self) -> Result<bool> {
        let Some(journal) = Journal::read(&self.root)? else {
            return Ok(false);
        };
        let mut folders = BTreeSet::new();
        for entry in &journal.entries {
            entry
                .make()
                .with_context(|| format!("cannot write `{}`", entry.path.display()))?;
            folders.extend(entry.path.parent());
        }
        for folder in folders {
            sync(folder);
        }
        remove(&Journal::path(&self.root))?;
        sync(&self.root);
        Ok(true)
    }

    /// Waits until no other run is between its changes.
    fn lock(&self) -> Result<File> {
        let manifest = self.root.join("Cargo.toml");
        let file = File::open(&manifest).with_context(|| manifest.display().to_string())?;
        match file.lock() {
            Ok(()) => Ok(file),
            // A file system without locks.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
            Err(error) => {
                Err(error).with_context(|| format!("cannot lock `{}`", manifest.display()))
            }
        }
    }

    /// Starts the process that finishes this run if this process is killed.
    fn guard(&self) -> Guard {
        let mut command = Command::new(std::env::current_exe().unwrap_or_default());
        command
            .arg(FINISH)
            .arg(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // Without it the next run finishes.
        Guard(command.spawn().ok())
    }
}

/// The process that finishes this run if this process is killed.
struct Guard(Option<Child>);

impl Guard {
    fn release(self) {
        if let Some(mut child) = self.0 {
            drop(child.stdin.take());
            // It finds nothing left to do.
            let _ = child.wait();
        }
    }
}

/// Waits for the end of the process at the other end of stdin, and finishes its run.
pub(crate) fn finish(root: &Path) -> Result<()> {
    // Nothing is sent: it ends with that process.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    let workspace = Workspace::of(root);
    let _lock = workspace.lock()?;
    workspace.roll().map(|_| ())
}

/// Writes every new text beside its destination.
fn stage(changes: &[Change]) -> Result<()> {
    for change in changes {
        let shown = change.path.display();
        if present(&change.path).with_context(|| shown.to_string())? != change.before {
            bail!("`{shown}` was changed meanwhile: nothing was written, run this again");
        }
        if let Some(text) = &change.after {
            write(&change.path, text).with_context(|| format!("cannot write `{shown}`"))?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(temporary(path))?;
    if let Ok(metadata) = fs::metadata(path) {
        file.set_permissions(metadata.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What a file holds, if it is there.
fn present(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the new text of a file stands until it takes its place: no source file of any crate.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(NEW);
    path.with_file_name(name)
}

fn is_temporary(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') && name.ends_with(&format!("_gen.rs{NEW}"))
}

const NEW: &str = ".meshrpc-new";

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Makes renames in a folder last. File systems that cannot need not.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: usize = 5;

    /// A workspace with files, all old, and the changes that make them new; the last goes.
    fn workspace() -> (tempfile::TempDir, Workspace, Vec<Change>) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::write(root.join("Cargo.toml"), "").expect("it is written");
        let changes: Vec<Change> = (0..FILES)
            .map(|index| {
                let path = root.join(format!("{index}_gen.rs"));
                fs::write(&path, "old").expect("it is written");
                Change {
                    path,
                    before: Some("old".to_owned()),
                    after: (index + 1 < FILES).then(|| "new".to_owned()),
                }
            })
            .collect();
        let workspace = Workspace::of(root);
        (folder, workspace, changes)
    }

    fn journal(changes: &[Change]) -> Journal {
        let entries = changes.iter().map(|change| Entry {
            path: change.path.clone(),
            before: change.before.as_deref().map(digest),
            remove: change.after.is_none(),
        });
        Journal::new(entries.collect())
    }

    fn held(changes: &[Change]) -> Vec<Option<String>> {
        let held = |change: &Change| present(&change.path).expect("it can be read");
        changes.iter().map(held).collect()
    }

    #[track_caller]
    fn nothing_is_left(root: &Path) {
        for entry in fs::read_dir(root).expect("it is there").flatten() {
            let name = entry.file_name();
            assert!(!name.to_string_lossy().starts_with('.'), "{name:?} is left");
        }
    }

    #[test]
    fn a_run_that_ends_before_its_journal_did_not_happen() {
        for staged in 0..=FILES {
            let (folder, workspace, changes) = workspace();
            stage(&changes[..staged]).expect("it is staged");
            fs::write(Journal::temporary(folder.path()), "{").expect("it is written");
            let finished = workspace.recover(&[folder.path()].into());
            assert!(!finished.expect("it recovers"));
            assert_eq!(held(&changes), vec![Some("old".to_owned()); FILES]);
            nothing_is_left(folder.path());
        }
    }

    #[test]
    fn a_run_that_ends_after_any_number_of_changes_is_finished_by_the_next() {
        for made in 0..=FILES {
            let (folder, workspace, changes) = workspace();
            stage(&changes).expect("it is staged");
            let journal = journal(&changes);
            journal.write(folder.path()).expect("it is written");
            for entry in &journal.entries[..made] {
                entry.make().expect("it is made");
            }
            assert!(workspace.was_interrupted());
            let finished = workspace.recover(&[folder.path()].into());
            assert!(finished.expect("it recovers"));
            let mut new = vec![Some("new".to_owned()); FILES - 1];
            new.push(None);
            assert_eq!(held(&changes), new, "after {made}");
            nothing_is_left(folder.path());
        }
    }

    #[test]
    fn what_was_edited_since_an_interruption_is_kept() {
        let (folder, workspace, changes) = workspace();
        stage(&changes).expect("it is staged");
        journal(&changes)
            .write(folder.path())
            .expect("it is written");
        for file in [&changes[1], &changes[FILES - 1]] {
            fs::write(&file.path, "mine").expect("it is written");
        }
        workspace
            .recover(&[folder.path()].into())
            .expect("it recovers");
        let held = held(&changes);
        assert_eq!(held[0].as_deref(), Some("new"));
        assert_eq!(held[1].as_deref(), Some("mine"));
        assert_eq!(held[FILES - 1].as_deref(), Some("mine"));
        nothing_is_left(folder.path());
    }

    #[test]
    fn what_was_edited_since_it_was_planned_stops_the_run() {
        let (folder, workspace, changes) = workspace();
        fs::write(&changes[2].path, "mine").expect("it is written");
        let error = workspace.commit(&changes).expect_err("it was edited");
        assert!(error.to_string().contains("was changed meanwhile"));
        assert_eq!(held(&changes)[0].as_deref(), Some("old"));
        nothing_is_left(folder.path());
    }

    #[test]
    fn a_journal_of_something_else_is_not_carried_out() {
        let (folder, workspace, changes) = workspace();
        let text = r#"{"version":1,"entries":[{"path":"Cargo.toml","before":null,"remove":true}]}"#;
        fs::write(Journal::path(folder.path()), text).expect("it is written");
        workspace
            .recover(&[folder.path()].into())
            .expect_err("it names no generated file");
        assert!(folder.path().join("Cargo.toml").exists());
        assert_eq!(held(&changes), vec![Some("old".to_owned()); FILES]);
    }
}
