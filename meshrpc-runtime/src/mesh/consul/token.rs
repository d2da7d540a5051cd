//! The token for the agent, which stands in a file and nowhere else.

use std::{
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::HeaderValue;

use super::super::name::invalid;
use crate::{error::Error, transport::watched::Watched};

/// A token that is read again when its file has changed.
pub(super) struct TokenFile {
    path: PathBuf,
    token: Watched<Token>,
}

/// A token; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(Arc<str>);

impl TokenFile {
    /// # Errors
    /// If there is no token in the file; the message names the file and none of what stands in it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let read = |files: &[Vec<u8>]| Token::read(files.first().map_or(&[], |file| file));
        let token = Watched::new(vec![path.to_owned()], read)
            .map_err(|reason| invalid(format!("MESHRPC_TOKEN_FILE: {reason}")))?;
        let everybody = |file: fs::Metadata| file.permissions().mode() & 0o004 != 0;
        if fs::metadata(path).is_ok_and(everybody) {
            let path = path.display();
            tracing::warn!(%path, "every user of this machine can read the token for Consul");
        }
        Ok(Self {
            path: path.to_owned(),
            token,
        })
    }

    /// The token as its file has it now. It blocks as a small file does; while the file is no use,
    /// as when it is being replaced, it is the token it had.
    pub(super) fn current(&self) -> Token {
        (*self.token.current()).clone()
    }
}

impl Token {
    fn read(content: &[u8]) -> Result<Self, String> {
        let token = content.trim_ascii();
        if token.is_empty() {
            return Err("the file is empty".to_owned());
        }
        match std::str::from_utf8(token) {
            Ok(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(token.into()))
            }
            _ => Err("the file holds more than one word of ASCII".to_owned()),
        }
    }

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
        let token = TokenFile::open(&path).unwrap();
        assert_eq!(&*token.current().0, "first");
        let next = directory.path().join("next");
        fs::write(&next, "second").unwrap();
        fs::rename(&next, &path).unwrap();
        assert_eq!(&*token.current().0, "second");
        fs::remove_file(&path).unwrap();
        assert_eq!(&*token.current().0, "second");
    }

    #[test]
    fn a_file_without_a_token_is_named_and_not_shown() {
        let (_directory, path) = file();
        let refusal = || TokenFile::open(&path).unwrap_err().to_string();
        assert!(refusal().contains("token"));
        for text in ["", " \n", "two words", "bell\u{7}", "ümlaut"] {
            fs::write(&path, text).unwrap();
            let refusal = refusal();
            assert!(text.trim().is_empty() || !refusal.contains(text.trim()));
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let (_directory, path) = file();
        fs::write(&path, "s3cret").unwrap();
        let file = TokenFile::open(&path).unwrap();
        let token = file.current();
        assert!(!format!("{file:?} {token:?} {:?}", token.header()).contains("s3cret"));
        assert_eq!(token.removed_from("bad s3cret!"), "bad …!");
    }
}
