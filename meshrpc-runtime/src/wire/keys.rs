//! Shared keys: what the two sides of a connection prove to each other without saying it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a nonce.
pub(super) const NONCE: usize = 32;
/// Bytes of a proof.
pub(super) const PROOF: usize = 32;
/// Bytes of a tag.
pub(super) const TAG: usize = 8;
/// Shortest and longest key, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=1024;
/// Most keys of one side.
pub(super) const MAX_KEYS: usize = 8;

/// Keys that two sides share, the preferred one first. Nothing prints them.
///
/// Both sides have to hold one key in common, at whatever place: so a key is replaced by adding the
/// new one everywhere, in any order, and then taking the old one away.
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

/// One of them, ready for use.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

/// Where the keys of a process come from. They may change while it runs; a connection goes by those
/// of the moment when it began.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys that hold now.
    fn current(&self) -> Keys;
}

/// Texts that are no keys. It names the place, never the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// There is none.
    #[error("there is no key")]
    Empty,
    /// There are too many.
    #[error("there are more than {MAX_KEYS} keys")]
    TooMany,
    /// One of them is not as long as a key.
    #[error("key {number} has {len} bytes: a key has from {} to {}", LENGTHS.start(), LENGTHS.end())]
    Length {
        /// Its place, counted from 1.
        number: usize,
        /// Its length in bytes.
        len: usize,
    },
}

/// What a side brings into a handshake in which keys are proved.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Its keys.
    pub keys: Keys,
    /// Bytes that nobody could foresee, never used before: from the system's generator.
    pub nonce: [u8; NONCE],
}

/// Whose proof it is: one side's is worth nothing as the other's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Prover {
    Client,
    Server,
}

/// What both sides said, which a proof is about.
#[derive(Clone, Debug)]
pub(super) struct Transcript {
    /// Payload of the client's hello.
    pub(super) client: Bytes,
    /// Payload of the server's hello, up to its proof.
    pub(super) server: Bytes,
    /// What only the two ends of the channel below know, if that is TLS of their own.
    pub(super) binding: Option<[u8; 32]>,
}

impl Keys {
    /// Takes each of `keys` for one.
    ///
    /// # Errors
    /// If there are none or more than eight, or if one has fewer than 32 or more than 1,024 bytes.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, KeysError> {
        let mut taken = Vec::new();
        for (place, key) in keys.into_iter().enumerate() {
            let (number, key) = (place + 1, key.as_ref());
            if number > MAX_KEYS {
                return Err(KeysError::TooMany);
            }
            let len = key.len();
            if !LENGTHS.contains(&len) {
                return Err(KeysError::Length { number, len });
            }
            // A key of any length will do for it.
            let key = Hmac::new_from_slice(key).map_err(|_| KeysError::Length { number, len })?;
            taken.push(Key(key));
        }
        match taken.is_empty() {
            true => Err(KeysError::Empty),
            false => Ok(Self(taken.into())),
        }
    }

    /// Reads a key file: a key on each line, without the spaces around it. Empty lines and those
    /// that begin with `#` are none.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn parse(text: &[u8]) -> Result<Self, KeysError> {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        Self::new(lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")))
    }

    /// By what the holder of the same keys finds out which of them a client has.
    pub(super) fn tags(&self, nonce: &[u8; NONCE]) -> Vec<[u8; TAG]> {
        self.0.iter().map(|key| key.tag(nonce)).collect()
    }

    /// The first of these keys that a client with these `tags` has.
    pub(super) fn shared(&self, nonce: &[u8; NONCE], tags: &[[u8; TAG]]) -> Option<Key> {
        // All are looked at, so that the time taken says nothing of which it is.
        let held = |key: &&Key| {
            let has = |tag: &[u8; TAG]| key.tagging(nonce).verify_truncated_left(tag).is_ok();
            tags.iter().filter(|tag| has(tag)).count() > 0
        };
        let most = match cfg!(meshrpc_fault = "one_key_only") {
            true => 1,
            false => MAX_KEYS,
        };
        let held: Vec<&Key> = self.0.iter().take(most).filter(held).collect();
        held.first().map(|key| (*key).clone())
    }

    /// The key that `proof` was made with.
    pub(super) fn prover(
        &self,
        prover: Prover,
        said: &Transcript,
        proof: &[u8; PROOF],
    ) -> Option<Key> {
        let proves = |key: &&Key| key.is_proved(prover, said, proof);
        let proving: Vec<&Key> = self.0.iter().filter(proves).collect();
        proving.first().map(|key| (*key).clone())
    }
}

impl KeySource for Keys {
    fn current(&self) -> Keys {
        self.clone()
    }
}

impl Key {
    /// What proves that its sender has the key, and means this conversation.
    pub(super) fn proof(&self, prover: Prover, said: &Transcript) -> [u8; PROOF] {
        self.proving(prover, said).finalize().into_bytes().into()
    }

    pub(super) fn is_proved(&self, prover: Prover, said: &Transcript, proof: &[u8]) -> bool {
        let is_proved = self.proving(prover, said).verify_slice(proof).is_ok();
        is_proved || cfg!(meshrpc_fault = "proofs_unchecked")
    }

    fn proving(&self, prover: Prover, said: &Transcript) -> Hmac<Sha256> {
        let client: &[u8] = match cfg!(meshrpc_fault = "hello_unproved") {
            true => &[],
            false => &said.client,
        };
        let binding = said.binding.as_ref().map_or(&[][..], |binding| binding);
        let label: &[u8] = match prover {
            Prover::Client => b"meshrpc 1 client proof\0",
            Prover::Server => b"meshrpc 1 server proof\0",
        };
        let mut mac = self.0.clone().chain_update(label);
        for part in [binding, client, &said.server] {
            // Hellos are shorter than a frame can say.
            mac.update(&(part.len() as u32).to_le_bytes());
            mac.update(part);
        }
        mac
    }

    fn tag(&self, nonce: &[u8; NONCE]) -> [u8; TAG] {
        let whole: [u8; PROOF] = self.tagging(nonce).finalize().into_bytes().into();
        std::array::from_fn(|at| whole[at])
    }

    fn tagging(&self, nonce: &[u8; NONCE]) -> Hmac<Sha256> {
        let label: &[u8] = b"meshrpc 1 key tag\0";
        self.0.clone().chain_update(label).chain_update(nonce)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(letters: &str) -> Keys {
        Keys::new(letters.chars().map(|letter| letter.to_string().repeat(32))).unwrap()
    }

    fn said() -> Transcript {
        Transcript {
            client: Bytes::from_static(b"client"),
            server: Bytes::from_static(b"server"),
            binding: None,
        }
    }

    #[test]
    fn the_first_key_that_both_have_is_chosen() {
        let nonce = [7; NONCE];
        let chosen = |server: &str, client: &str| {
            let key = keys(server).shared(&nonce, &keys(client).tags(&nonce))?;
            let proof = key.proof(Prover::Server, &said());
            let has = |letter: &char| {
                let key = keys(&letter.to_string());
                key.prover(Prover::Server, &said(), &proof).is_some()
            };
            server.chars().find(has)
        };
        assert_eq!(chosen("ab", "ab"), Some('a'));
        assert_eq!(chosen("ab", "ba"), Some('a'));
        assert_eq!(chosen("ab", "bc"), Some('b'));
        assert_eq!(chosen("ab", "cd"), None);
        assert!(
            keys("a")
                .shared(&[8; NONCE], &keys("a").tags(&nonce))
                .is_none()
        );
    }

    #[test]
    fn a_proof_is_of_one_side_of_one_conversation() {
        let keys = keys("a");
        let proof = keys.0[0].proof(Prover::Client, &said());
        let proves = |prover, said: &Transcript| keys.prover(prover, said, &proof).is_some();
        assert!(proves(Prover::Client, &said()));
        assert!(!proves(Prover::Server, &said()), "reflected");
        let bound = Transcript {
            binding: Some([0; 32]),
            ..said()
        };
        assert!(!proves(Prover::Client, &bound), "on another channel");
        let shifted = Transcript {
            client: Bytes::from_static(b"clients"),
            server: Bytes::from_static(b"erver"),
            binding: None,
        };
        assert!(!proves(Prover::Client, &shifted), "said by the other side");
    }

    #[test]
    fn a_file_has_a_key_on_each_line() {
        let (old, new) = ("o".repeat(32), "n".repeat(64));
        let text = format!("# rotated in spring\n {new}\t\r\n\n{old}\n");
        let nonce = [1; NONCE];
        let expected = Keys::new([&new, &old]).unwrap().tags(&nonce);
        assert_eq!(Keys::parse(text.as_bytes()).unwrap().tags(&nonce), expected);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let secret = "s3cr3t";
        let error = Keys::new([secret]).unwrap_err();
        assert_eq!(error, KeysError::Length { number: 1, len: 6 });
        assert!(!format!("{error} {error:?}").contains(secret));
        assert_eq!(Keys::parse(b"\n# none\n").unwrap_err(), KeysError::Empty);
        let many = vec!["k".repeat(32); MAX_KEYS + 1];
        assert_eq!(Keys::new(many).unwrap_err(), KeysError::TooMany);
        let shown = format!("{:?}", keys("ab"));
        assert_eq!(shown, "Keys(2)");
    }
}
