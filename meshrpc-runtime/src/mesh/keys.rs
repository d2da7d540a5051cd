//! `MESHRPC_KEY_FILE`: the keys that the processes of a mesh share.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::name::invalid;
use crate::{
    error::Error,
    transport::watched::Watched,
    wire::{KeySource, Keys},
};

/// Keys in a file, one a line, the preferred one first; lines that begin with `#` are none. It is
/// read again when it is replaced, and holds for connections from then on.
///
/// A key is any text of 32 to 1,024 bytes, such as `openssl rand -hex 32` prints. The file should
/// be readable by its owner only.
#[derive(Debug)]
pub struct KeyFile(Watched<Keys>);

impl KeyFile {
    /// Reads the keys in `path`.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something that is no key; the message has nothing of its
    /// content.
    pub fn open(path: &Path) -> Result<KeyFile, Error> {
        let parse = |files: &[Vec<u8>]| {
            let text = files.first().map_or(&[][..], |file| file);
            Keys::parse(text).map_err(|error| error.to_string())
        };
        let keys = Watched::new(vec![path.to_owned()], parse)
            .map_err(|error| invalid(format!("the file with shared keys: {error}")))?;
        let everybody = |file: fs::Metadata| file.permissions().mode() & 0o004 != 0;
        if fs::metadata(path).is_ok_and(everybody) {
            let path = path.display();
            tracing::warn!(%path, "every user of this machine can read the shared keys");
        }
        Ok(KeyFile(keys))
    }
}

impl KeySource for KeyFile {
    fn current(&self) -> Keys {
        (*self.0.current()).clone()
    }
}
