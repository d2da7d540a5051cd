//! The list of changes that a run has begun to make.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{present, sync, temporary};

/// The changes of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    pub(super) entries: Vec<Entry>,
}

/// The change of one file, whose new text stands in its temporary file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// Digest of what it held before; nothing if it was not there.
    pub(super) before: Option<u64>,
    /// It goes.
    pub(super) remove: bool,
}

const VERSION: u32 = 1;

impl Journal {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self {
            version: VERSION,
            entries,
        }
    }

    /// Where the journal of a workspace stands while it is carried out.
    pub(super) fn path(root: &Path) -> PathBuf {
        root.join(".meshrpc-expose")
    }

    /// Where it stands while it is written.
    pub(super) fn temporary(root: &Path) -> PathBuf {
        root.join(".meshrpc-expose.new")
    }

    /// Puts the journal in place.
    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let (path, new) = (Self::path(root), Self::temporary(root));
        let write = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
        sync(root);
        Ok(())
    }

    /// The journal of a run that was interrupted, if there is one.
    pub(super) fn read(root: &Path) -> Result<Option<Self>> {
        let path = Self::path(root);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let journal = serde_json::from_slice::<Self>(&text).ok();
        let journal = journal.filter(|journal| {
            journal.version == VERSION && journal.entries.iter().all(Entry::is_ours)
        });
        journal.map(Some).with_context(|| {
            format!(
                "`{}` lists no changes of this version of the command: remove it",
                path.display()
            )
        })
    }
}

impl Entry {
    /// Makes the change, unless it was made, or the file was changed by somebody since.
    pub(super) fn make(&self) -> io::Result<()> {
        let new = temporary(&self.path);
        let untouched = present(&self.path)?.as_deref().map(digest) == self.before;
        let made = match (untouched, self.remove) {
            (true, true) => fs::remove_file(&self.path),
            (true, false) => fs::rename(&new, &self.path),
            (false, _) => fs::remove_file(&new),
        };
        match made {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn is_ours(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default();
        self.path.is_absolute() && name.to_string_lossy().ends_with("_gen.rs")
    }
}

/// Tells texts apart, as long as one build of this program compares them.
pub(super) fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
