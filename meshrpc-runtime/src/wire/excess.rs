//! What a head may hold, whoever reads it: these limits are the protocol's, and no side's own.

use super::head::Metadata;

/// Most entries of metadata.
pub const MAX_METADATA_ENTRIES: usize = 64;
/// Most bytes of metadata, keys and values together.
pub const MAX_METADATA_BYTES: usize = 8 * 1024;
/// Longest key of an entry of metadata, in bytes.
const MAX_METADATA_KEY: usize = 255;
/// Longest session key, in bytes.
pub const MAX_SESSION_KEY: usize = 256;

/// What of a head is larger than every peer takes. The protocol sets these limits: no peer takes
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Entries of metadata.
    #[error("{0} entries of metadata, where the protocol takes {MAX_METADATA_ENTRIES}")]
    Entries(usize),
    /// Bytes of metadata.
    #[error("{0} bytes of metadata, where the protocol takes {MAX_METADATA_BYTES}")]
    Bytes(usize),
    /// Bytes of a metadata key.
    #[error("a metadata key of {0} bytes, where the protocol takes from 1 to {MAX_METADATA_KEY}")]
    Key(usize),
    /// Bytes of a session key.
    #[error("a session key of {0} bytes, where the protocol takes {MAX_SESSION_KEY}")]
    SessionKey(usize),
}

/// Whether metadata is within what a peer takes.
pub fn check_metadata(metadata: &Metadata) -> Result<(), Excess> {
    if metadata.is_empty() {
        return Ok(());
    }
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if metadata.len() > MAX_METADATA_ENTRIES {
        return Err(Excess::Entries(metadata.len()));
    }
    if bytes > MAX_METADATA_BYTES {
        return Err(Excess::Bytes(bytes));
    }
    let mut keys = metadata.iter().map(|(key, _)| key.len());
    match keys.find(|len| !(1..=MAX_METADATA_KEY).contains(len)) {
        Some(len) => Err(Excess::Key(len)),
        None => Ok(()),
    }
}

/// Whether a session key is one that a peer takes.
pub fn check_session_key(key: &str) -> Result<(), Excess> {
    match key.len() {
        0..=MAX_SESSION_KEY => Ok(()),
        len => Err(Excess::SessionKey(len)),
    }
}
