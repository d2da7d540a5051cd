//! Binaries that were fetched, kept for the next run.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use super::{Missing, Wanted, run, say};

/// The binary from an earlier run, if it is still what it was; fetches it otherwise.
pub(super) fn get(wanted: &Wanted) -> Result<PathBuf, Missing> {
    let folder = folder().map_err(|error| problem(wanted, &error))?;
    let _lock = lock(wanted, &folder).map_err(|error| problem(wanted, &error))?;
    let path = folder.join(wanted.kept);
    let sum = folder.join(format!("{}.sha256", wanted.kept));
    if path.is_file() {
        let expected = fs::read_to_string(&sum).unwrap_or_default();
        if expected == checksum(wanted, &path)? {
            return Ok(path);
        }
        say(&format!(
            "{} is not what was kept: getting it anew",
            path.display()
        ));
    }
    let begun = Instant::now();
    // One that was killed may have left its scratch.
    let scratch = folder.join(format!("{}.scratch", wanted.kept));
    let made = fresh(&scratch)
        .map_err(|error| problem(wanted, &error))
        .and_then(|()| (wanted.fetch)(&scratch))
        .and_then(|made| keep(wanted, &made, &path, &sum));
    // The next one removes what is left.
    let _ = fs::remove_dir_all(&scratch);
    made?;
    say(&format!(
        "{} is there after {} s: {}",
        wanted.what,
        begun.elapsed().as_secs(),
        path.display()
    ));
    Ok(path)
}

/// Moves what was made to where it is kept; its checksum comes last.
fn keep(wanted: &Wanted, made: &Path, path: &Path, sum: &Path) -> Result<(), Missing> {
    let answer = wanted.answer(made);
    if !wanted.is(&answer) {
        return Err(Missing(format!(
            "{}: what was fetched says `{answer}`",
            wanted.what
        )));
    }
    let checksum = checksum(wanted, made)?;
    let moved = || {
        match fs::remove_file(sum) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(made, path)?;
        fs::write(sum, checksum)
    };
    moved().map_err(|error| problem(wanted, &error))
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn checksum(wanted: &Wanted, path: &Path) -> Result<String, Missing> {
    let said = run(wanted.what, Command::new("sha256sum").arg(path))?;
    let sum = said.split_whitespace().next().unwrap_or_default();
    // A name with a backslash in it is announced by one.
    Ok(sum.trim_start_matches('\\').to_owned())
}

/// Where binaries are kept: a folder in Cargo's target folder, which bears a tag.
fn folder() -> io::Result<PathBuf> {
    let binary = env::current_exe()?;
    let target = binary
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .ok_or_else(|| io::Error::other("the tests are not in a target folder"))?;
    let folder = target.join("real");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Waits for others that get the same.
fn lock(wanted: &Wanted, folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("{}.lock", wanted.kept));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            say(&format!(
                "waiting for {}, which another process gets",
                wanted.what
            ));
            file.lock()?;
        }
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

fn fresh(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir(folder)
}

fn problem(wanted: &Wanted, error: &io::Error) -> Missing {
    Missing(format!("{}: {error}", wanted.what))
}
