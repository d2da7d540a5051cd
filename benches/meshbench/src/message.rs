//! The message that every stack echoes: built, sent, decoded and checked each time.

use anyhow::{Result, ensure};
use bincode::config::{Configuration, standard};
use serde::{Deserialize, Serialize};

const NAME: &str = "sixteen bytes on";
const TAGS: [&str; 2] = ["tag-one.", "tag-two."];

/// A number, a name of 16 bytes, two tags of 8: four allocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Tells one call from another.
    pub id: u64,
    /// Always the same.
    pub name: String,
    /// Always the same.
    pub tags: Vec<String>,
}

impl Message {
    /// The message of the call `id`.
    pub fn new(id: u64) -> Self {
        Self {
            id,
            name: NAME.to_owned(),
            tags: Vec::from(TAGS.map(str::to_owned)),
        }
    }

    /// Whether this is what was sent.
    pub fn check(&self, id: u64) -> Result<()> {
        check(self.id, &self.name, &self.tags, id)
    }

    /// Appends it as bincode has it, for the stacks that bring no format of their own.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<()> {
        bincode::serde::encode_into_std_write(self, out, FORMAT)?;
        Ok(())
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (message, read) = bincode::serde::decode_from_slice(bytes, FORMAT)?;
        ensure!(read == bytes.len(), "bytes are left over");
        Ok(message)
    }
}

const FORMAT: Configuration = standard();

/// Whether fields are those of the message `expected`.
pub fn check(id: u64, name: &str, tags: &[String], expected: u64) -> Result<()> {
    ensure!(id == expected, "the answer to {id} came for {expected}");
    ensure!(
        name == NAME && tags == TAGS,
        "the answer differs from what was sent"
    );
    Ok(())
}
