//! Shared keys: who has which, a frame of the handshake that somebody without them has changed, and
//! who may be connected then.

use fastrand::Rng;
use meshrpc::wire::{Fault, FrameType, Identity, Keys, Peer, Secrets};

use super::{Check, Who, World};

/// The keys of both sides, as letters, the preferred one first; none if there are no letters.
#[derive(Debug)]
pub(crate) struct Held {
    client: &'static str,
    server: &'static str,
    /// A bit of this frame is another one, under a sum that agrees.
    pub(crate) forged: Option<FrameType>,
}

/// On each side: before, while and after `a` is replaced by `b`.
const ROTATION: [&str; 5] = ["a", "ab", "ba", "b", "cab"];
/// What else they may have.
const WRONG: [&str; 4] = ["", "c", "dc", "efghijkl"];
/// Frames that are about keys.
const FORGED: [FrameType; 3] = [
    FrameType::ClientHello,
    FrameType::ServerHello,
    FrameType::Auth,
];

impl Held {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let of = |rng: &mut Rng, all: &[&'static str]| all[rng.usize(0..all.len())];
        let (client, server) = match rng.u8(0..16) {
            0..8 => ("", ""),
            8 => (of(rng, &WRONG), of(rng, &ROTATION)),
            9 => (of(rng, &ROTATION), of(rng, &WRONG)),
            _ => (of(rng, &ROTATION), of(rng, &ROTATION)),
        };
        let held = Self {
            client,
            server,
            forged: None,
        };
        // Without keys, nothing keeps who can make a sum from making a frame.
        let is_forged = held.of(Who::Client).is_some() && rng.u8(0..4) == 0;
        Self {
            forged: is_forged.then(|| FORGED[rng.usize(0..FORGED.len())]),
            ..held
        }
    }

    /// What a side brings into the handshake.
    pub(crate) fn secrets(&self, who: Who, rng: &mut Rng) -> Option<Secrets> {
        let letters = self.of(who)?;
        let keys = letters.chars().map(|letter| letter.to_string().repeat(32));
        Some(Secrets {
            keys: Keys::new(keys).ok()?,
            nonce: std::array::from_fn(|_| rng.u8(..)),
        })
    }

    /// Whether both have one of them.
    fn are_shared(&self) -> bool {
        self.client.chars().any(|key| self.server.contains(key))
    }

    fn of(&self, who: Who) -> Option<&'static str> {
        let letters = match who {
            Who::Client => self.client,
            Who::Server => self.server,
        };
        (!letters.is_empty()).then_some(letters)
    }
}

impl World {
    /// A side is connected: if it has keys, with somebody who has one of them and whose words have
    /// come as they were said.
    pub(crate) fn connects(&mut self, who: Who, peer: &Peer) -> Check {
        let held = &self.setting.keys;
        let expected = match held.of(who) {
            Some(_) => Identity::Key,
            None => Identity::Unverified,
        };
        if peer.identity != expected {
            return Err(format!("the {who} knows its peer by {:?}", peer.identity));
        }
        if held.of(who).is_none() {
            return Ok(());
        }
        if !held.are_shared() {
            return Err(format!("the {who} shares no key, and is connected"));
        }
        // The client is done when it sends its proof.
        let is_late = who == Who::Client && held.forged == Some(FrameType::Auth);
        if (self.up.forged || self.down.forged) && !is_late {
            return Err(format!(
                "the {who} is connected by {:?} forged",
                held.forged
            ));
        }
        self.tally.known_by_a_key += 1;
        Ok(())
    }

    /// A side whose peer is like that may find it unproven.
    pub(crate) fn is_unproven(&mut self, who: Who, fault: &Fault) -> bool {
        let held = &self.setting.keys;
        let other = match who {
            Who::Client => held.of(Who::Server),
            Who::Server => held.of(Who::Client),
        };
        // A server that shares no key does not let it come to the client's judgement.
        let is_right = match who {
            Who::Client => held.of(who).is_some() && other.is_none(),
            Who::Server => held.of(who).is_some() && !held.are_shared(),
        };
        let is_unproven = is_right && *fault == Fault::Unproven;
        self.tally.unproven += u64::from(is_unproven);
        is_unproven
    }
}
