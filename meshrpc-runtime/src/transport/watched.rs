//! What stands in files that are replaced while the process runs.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of the longest file that is read: certificates and keys are far shorter.
const LONGEST: u64 = 1 << 20;

/// A value made of files, made anew once one of them is another.
pub(crate) struct Watched<T> {
    paths: Vec<PathBuf>,
    make: Box<Make<T>>,
    made: Mutex<Made<T>>,
}

/// Makes the value of what stands in the files.
type Make<T> = dyn Fn(&[Vec<u8>]) -> Result<T, String> + Send + Sync;

struct Made<T> {
    value: Arc<T>,
    /// Of the files that it was made of, or that it could not be made of.
    stamps: Vec<Option<Stamp>>,
}

/// A file that is replaced has another inode, one that is rewritten another time or length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    len: u64,
}

impl<T> Watched<T> {
    /// Reads `paths` and makes the value of what stands there, in this order.
    ///
    /// # Errors
    /// If a file cannot be read or nothing can be made of them; the message names the files, and
    /// has of their content what `make` says of it.
    pub(crate) fn new(
        paths: Vec<PathBuf>,
        make: impl Fn(&[Vec<u8>]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let stamps = stamps(&paths);
        let value = Arc::new(made(&paths, &make)?);
        Ok(Self {
            paths,
            make: Box::new(make),
            made: Mutex::new(Made { value, stamps }),
        })
    }

    /// The value as the files have it now. It blocks as small files do. While nothing can be made of
    /// them, as when one of two is replaced, it is the last one that could.
    pub(crate) fn current(&self) -> Arc<T> {
        let stamps = stamps(&self.paths);
        {
            let known = self.lock();
            if known.stamps == stamps {
                return Arc::clone(&known.value);
            }
        }
        let made = made(&self.paths, &*self.make);
        let mut known = self.lock();
        known.stamps = stamps;
        match made {
            Ok(value) => known.value = Arc::new(value),
            Err(error) => tracing::warn!(%error, "files have changed and cannot be used"),
        }
        Arc::clone(&known.value)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Made<T>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn made<T>(paths: &[PathBuf], make: &Make<T>) -> Result<T, String> {
    let names = || {
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.join(", ")
    };
    let contents: Result<Vec<Vec<u8>>, String> = paths.iter().map(|path| read(path)).collect();
    make(&contents?).map_err(|error| format!("{}: {error}", names()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let mut content = Vec::new();
        let file = fs::File::open(path)?;
        io::Read::read_to_end(&mut io::Read::take(file, LONGEST), &mut content)?;
        Ok(content)
    };
    read().map_err(|error: io::Error| format!("{}: {error}", path.display()))
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        Some(Stamp {
            inode: file.ino(),
            modified: (file.mtime(), file.mtime_nsec()),
            len: file.len(),
        })
    };
    paths.iter().map(stamp).collect()
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.paths).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(content: &[Vec<u8>]) -> Result<u32, String> {
        let text = std::str::from_utf8(&content[0]).map_err(|_| "no text".to_owned())?;
        text.trim().parse().map_err(|_| "no number".to_owned())
    }

    #[test]
    fn a_file_that_changes_is_read_again_and_one_that_is_no_use_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let put = |text: &str| {
            let new = folder.path().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, &path).unwrap();
        };
        assert!(
            Watched::new(vec![path.clone()], number).is_err(),
            "there is none"
        );
        put("1");
        let watched = Watched::new(vec![path.clone()], number).unwrap();
        assert_eq!(*watched.current(), 1);
        put("22");
        assert_eq!(*watched.current(), 22);
        put("none");
        assert_eq!(*watched.current(), 22);
        fs::remove_file(&path).unwrap();
        assert_eq!(*watched.current(), 22);
        put("3");
        assert_eq!(*watched.current(), 3);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        fs::write(&path, "secret").unwrap();
        let error = Watched::new(vec![path], number).unwrap_err();
        assert!(error.ends_with("number: no number"), "{error}");
    }
}
