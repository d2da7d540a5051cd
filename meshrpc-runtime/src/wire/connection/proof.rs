//! Keys that are proved in the handshake.
//!
//! The client's hello has a nonce and a tag for each of its keys, the server's a nonce and its proof
//! of the first of its own keys that the client has as well; AUTH has the client's proof of that
//! key. Each proof is about both hellos, and about the TLS channel below if that ends where the
//! connection does. So one that was heard proves nothing in another conversation.

use std::{mem, time::Instant};

use bytes::Bytes;

use super::{
    super::{
        config::Identity,
        fault::{Fault, GoAwayReason},
        hello::Hello,
        keys::{Key, NONCE, PROOF, Prover, Secrets, TAG, Transcript},
    },
    Connection,
};

/// A side that has keys to prove, until it is done.
#[derive(Debug)]
pub(super) struct Proving {
    secrets: Secrets,
    said: Transcript,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Nothing of the other side's is known.
    Begun,
    /// Server: the client has this key, by its tags.
    Chosen(Key),
    /// Server: the hellos are said, and the client's proof is awaited.
    Answered(Key, Box<Hello>),
}

impl Proving {
    pub(super) fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            said: Transcript {
                client: Bytes::new(),
                server: Bytes::new(),
                binding: None,
            },
            step: Step::Begun,
        }
    }

    pub(super) fn nonce(&self) -> [u8; NONCE] {
        self.secrets.nonce
    }

    pub(super) fn tags(&self) -> Vec<[u8; TAG]> {
        self.secrets.keys.tags(&self.secrets.nonce)
    }

    pub(super) fn client_said(&mut self, hello: Bytes) {
        self.said.client = hello;
    }

    /// Server: writes its hello with the proof of the key that was chosen.
    pub(super) fn answer(
        &mut self,
        hello: &mut Hello,
        grease: u16,
        client: Bytes,
        out: &mut Vec<u8>,
    ) {
        hello.nonce = Some(self.secrets.nonce);
        hello.put(out, grease);
        self.said.client = client;
        self.said.server = Bytes::copy_from_slice(out);
        if let Step::Chosen(key) = &self.step {
            Hello::put_proof(out, &key.proof(Prover::Server, &self.said));
        }
    }

    /// Server: the rest is the client's to say.
    pub(super) fn await_proof(&mut self, client: Hello) {
        if let Step::Chosen(key) = mem::replace(&mut self.step, Step::Begun) {
            self.step = Step::Answered(key, Box::new(client));
        }
    }

    /// Client: what it answers to the server's proof.
    pub(super) fn client_proof(
        &mut self,
        server: &Hello,
        payload: &Bytes,
    ) -> Result<[u8; PROOF], Fault> {
        let (Some(proof), Some(_)) = (&server.proof, &server.nonce) else {
            return Err(Fault::Unproven);
        };
        self.said.server = Hello::proved(payload);
        let keys = &self.secrets.keys;
        let key = keys.prover(Prover::Server, &self.said, proof);
        let key = key.ok_or(Fault::Unproven)?;
        Ok(key.proof(Prover::Client, &self.said))
    }
}

impl Connection {
    /// What the transport knows of the peer, before anything of it is received; and 32 bytes that
    /// only the two ends of the transport know, if it is TLS (RFC 9266).
    pub fn vouch(&mut self, identity: Identity, binding: Option<[u8; 32]>) {
        self.vouched = identity;
        if let Some(proving) = &mut self.proving {
            proving.said.binding = binding;
        }
    }

    /// Server: a client that has none of the keys gets no further.
    pub(super) fn choose_key(&mut self, client: &Hello) -> Result<(), Fault> {
        let Some(proving) = &mut self.proving else {
            return Ok(());
        };
        let nonce = client.nonce.ok_or(Fault::Unproven)?;
        let key = proving.secrets.keys.shared(&nonce, &client.key_tags);
        proving.step = Step::Chosen(key.ok_or(Fault::Unproven)?);
        Ok(())
    }

    /// Server: the client's hello was answered, and its proof is awaited.
    pub(super) fn awaits_proof(&self) -> bool {
        let step = self.proving.as_ref().map(|proving| &proving.step);
        matches!(step, Some(Step::Answered(..)))
    }

    /// Server: AUTH came.
    pub(super) fn client_proved(&mut self, proof: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(proving) = &mut self.proving else {
            return Err(Fault::Malformed("a proof that was not asked for"));
        };
        // Whatever comes of it, there is no second try; and who failed stays one to be proved.
        let step = mem::replace(&mut proving.step, Step::Begun);
        let Step::Answered(key, client) = step else {
            return Err(Fault::Malformed("a proof before the hello"));
        };
        if !key.is_proved(Prover::Client, &proving.said, proof) {
            return Err(Fault::Unproven);
        }
        if self.ending.has_begun() {
            return Err(self.refuse(GoAwayReason::Draining, String::new()));
        }
        self.established(&client, self.checksum, true, now);
        Ok(())
    }

    /// What is known of the peer when the handshake is done.
    pub(super) fn identity(&mut self, proved: bool) -> Identity {
        self.proving = None;
        match mem::take(&mut self.vouched) {
            Identity::Unverified if proved => Identity::Key,
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::{Buf, BytesMut};

    use super::*;
    use crate::wire::{Config, Event, Frame, Keys, Peer, take_preface};

    /// A side, and what it has of the other's words.
    struct End(Connection, bool, BytesMut);

    impl End {
        fn said(&mut self) -> Vec<u8> {
            let mut output = crate::wire::Output::default();
            self.0.transmit_to(&mut output);
            let said = output.copy_to_bytes(output.remaining());
            self.0.wrote(said.len());
            said.to_vec()
        }

        fn hear(&mut self, bytes: &[u8]) -> Result<(), Fault> {
            self.2.extend_from_slice(bytes);
            if !self.1 && take_preface(&mut self.2)? {
                self.1 = true;
                self.0.preface_received();
            }
            while let Some(frame) = self.next()? {
                self.0
                    .receive(&frame, Instant::now())
                    .inspect_err(|fault| {
                        self.0.fail_with(fault.clone());
                    })?;
            }
            Ok(())
        }

        fn next(&mut self) -> Result<Option<Frame>, Fault> {
            self.0.frame_reader().next(&mut self.2)
        }

        fn peer(&mut self) -> Option<Arc<Peer>> {
            std::iter::from_fn(|| self.0.poll_event()).find_map(|event| match event {
                Event::Connected(peer) => Some(peer),
                _ => None,
            })
        }
    }

    fn secrets(letters: &str, nonce: u8) -> Option<Secrets> {
        let keys = letters.chars().map(|letter| letter.to_string().repeat(32));
        let keys = Keys::new(keys).ok()?;
        Some(Secrets {
            keys,
            nonce: [nonce; NONCE],
        })
    }

    fn pair(client: &str, server: &str) -> (End, End) {
        let (config, now) = (Arc::new(Config::default()), Instant::now());
        let end = |connection| End(connection, false, BytesMut::new());
        let client = Connection::client_with(Arc::clone(&config), secrets(client, 1), 1, now);
        let server = Connection::server_with(config, secrets(server, 2), 2, now);
        (end(client), end(server))
    }

    /// What the client, and what the server, finds wrong.
    fn met(client: &mut End, server: &mut End) -> (Result<(), Fault>, Result<(), Fault>) {
        let said = client.said();
        let mut found = server.hear(&said);
        let said = server.said();
        let clients = client.hear(&said);
        let said = client.said();
        if found.is_ok() {
            found = server.hear(&said);
        }
        (clients, found)
    }

    #[test]
    fn whoever_has_a_key_in_common_is_known_by_it() {
        for (ours, theirs) in [("a", "a"), ("ab", "ba"), ("ab", "b"), ("b", "ab")] {
            let (mut client, mut server) = pair(ours, theirs);
            assert_eq!(
                met(&mut client, &mut server),
                (Ok(()), Ok(())),
                "{ours} {theirs}"
            );
            for end in [&mut client, &mut server] {
                assert_eq!(
                    end.peer().unwrap().identity,
                    Identity::Key,
                    "{ours} {theirs}"
                );
                assert!(end.0.is_established());
            }
        }
    }

    #[test]
    fn nobody_gets_in_without_one() {
        for ours in ["", "b"] {
            let (mut client, mut server) = pair(ours, "a");
            let refused = Fault::GoneAway {
                reason: GoAwayReason::Unauthenticated,
                text: Fault::Unproven.to_string(),
            };
            let expected = (Err(refused), Err(Fault::Unproven));
            assert_eq!(met(&mut client, &mut server), expected, "with `{ours}`");
        }
    }

    #[test]
    fn a_client_with_a_key_takes_no_server_without() {
        let (mut client, mut server) = pair("a", "");
        assert_eq!(
            met(&mut client, &mut server),
            (Err(Fault::Unproven), Ok(()))
        );
        assert!(!client.0.is_established());
    }

    #[test]
    fn a_proof_that_was_heard_opens_no_second_connection() {
        let (mut client, mut server) = pair("a", "a");
        let hello = client.said();
        server.hear(&hello).unwrap();
        client.hear(&server.said()).unwrap();
        let proof = client.said();
        let (config, now) = (Arc::new(Config::default()), Instant::now());
        let again = Connection::server_with(config, secrets("a", 3), 2, now);
        let mut again = End(again, false, BytesMut::new());
        again.hear(&hello).unwrap();
        assert_eq!(again.hear(&proof), Err(Fault::Unproven));
        assert_eq!(
            server.hear(&proof),
            Ok(()),
            "it was good for the one it was made for"
        );
    }

    #[test]
    fn nothing_but_the_proof_follows_the_hellos() {
        let (mut client, mut server) = pair("a", "a");
        let hello = client.said();
        server.hear(&hello).unwrap();
        let fault = server.hear(&hello[8..]).unwrap_err();
        assert_eq!(fault, Fault::Malformed("a second hello"));
    }

    #[test]
    fn proofs_are_bound_to_the_channel() {
        for (far, expected) in [([7; 32], Ok(())), ([8; 32], Err(Fault::Unproven))] {
            let (mut client, mut server) = pair("a", "a");
            client.0.vouch(Identity::Unverified, Some([7; 32]));
            server.0.vouch(Identity::Unverified, Some(far));
            assert_eq!(met(&mut client, &mut server).0, expected);
        }
    }
}
