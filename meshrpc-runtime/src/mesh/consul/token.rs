//! The token for the agent, which stands in a file and nowhere else.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use http::HeaderValue;

/// A token that is read again when its file has changed.
pub(super) struct TokenFile {
    path: PathBuf,
    read: Mutex<Option<Read>>,
}

/// A token; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(Arc<str>);

struct Read {
    token: Token,
    /// A file that is replaced has another inode or time; one that is rewritten, another time.
    stamp: Option<(SystemTime, u64)>,
}

/// Bytes of the longest file that is taken for a token.
const LONGEST: u64 = 4096;

impl TokenFile {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            read: Mutex::default(),
        }
    }

    /// The token as its file has it now. It blocks as a small file does; one that cannot be read
    /// for a moment, while it is replaced, has the token it had.
    ///
    /// # Errors
    /// If there never was one; the message names the file and none of what stands in it.
    pub(super) fn current(&self) -> Result<Token, String> {
        let stamp = stamp(&self.path);
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &*known
            && read.stamp.is_some()
            && read.stamp == stamp
        {
            return Ok(read.token.clone());
        }
        match (read(&self.path), &mut *known) {
            (Ok(token), known) => {
                let read = known.insert(Read { token, stamp });
                Ok(read.token.clone())
            }
            (Err(_), Some(read)) => Ok(read.token.clone()),
            (Err(reason), None) => Err(format!(
                "MESHRPC_TOKEN_FILE: {}: {reason}",
                self.path.display()
            )),
        }
    }

    /// As [`current`](Self::current), whatever the file's time says.
    pub(super) fn again(&self) -> Result<Token, String> {
        if let Some(read) = &mut *self.read.lock().unwrap_or_else(PoisonError::into_inner) {
            read.stamp = None;
        }
        self.current()
    }
}

impl Token {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The token itself, for the environment of a sidecar and for nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the token, should it stand there.
    pub(super) fn removed_from(&self, text: &str) -> String {
        text.replace(&*self.0, "…")
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    use std::os::unix::fs::MetadataExt;

    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.ino()))
}

fn read(path: &Path) -> Result<Token, String> {
    use io::Read;

    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    let token = text.trim();
    if token.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the file holds more than one word of ASCII".to_owned());
    }
    Ok(Token(token.into()))
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.path).finish()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        (directory, path)
    }

    #[test]
    fn a_token_is_read_again_when_its_file_is_replaced() {
        let (directory, path) = file();
        fs::write(&path, "first\n").unwrap();
        let token = TokenFile::new(&path);
        assert_eq!(&*token.current().unwrap().0, "first");
        let next = directory.path().join("next");
        fs::write(&next, "second").unwrap();
        fs::rename(&next, &path).unwrap();
        assert_eq!(&*token.current().unwrap().0, "second");
        fs::remove_file(&path).unwrap();
        assert_eq!(&*token.current().unwrap().0, "second");
    }

    #[test]
    fn a_file_without_a_token_is_named_and_not_shown() {
        let (_directory, path) = file();
        let token = TokenFile::new(&path);
        assert!(token.current().unwrap_err().contains("token"));
        for text in ["", " \n", "two words", "bell\u{7}", "ümlaut"] {
            fs::write(&path, text).unwrap();
            let refusal = token.current().unwrap_err();
            assert!(text.trim().is_empty() || !refusal.contains(text.trim()));
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let (_directory, path) = file();
        fs::write(&path, "s3cret").unwrap();
        let file = TokenFile::new(&path);
        let token = file.current().unwrap();
        assert!(!format!("{file:?} {token:?} {:?}", token.header()).contains("s3cret"));
        assert_eq!(token.removed_from("bad s3cret!"), "bad …!");
    }
}
