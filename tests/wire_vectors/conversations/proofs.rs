//! Shared keys: whole handshakes, and what the proofs in them are made from.

use meshrpc::wire::{CallKind, Identity};
use serde::{Deserialize, Serialize};

use super::{Talk, Vector};
use crate::{check, hex, parts::MAX};

pub(crate) const OLD: &str = "2f6c1d0e8b7a59483726150493827160";
const NEW: &str = "correct horse battery staple, and more";

/// The proofs of one handshake, all of it hexadecimal but the key.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Proofs {
    name: String,
    key: String,
    client_nonce: String,
    tag: String,
    /// What both ends of a TLS channel exported; empty without one.
    binding: String,
    /// The client's hello, and the server's up to its proof.
    client_hello: String,
    server_hello: String,
    server_proof: String,
    client_proof: String,
}

#[test]
fn proofs_are_made_as_the_vectors_say() {
    let bound = std::array::from_fn(|at| at as u8);
    let vectors = [
        proofs("plain", OLD, None),
        proofs("text", NEW, None),
        proofs("over-tls", OLD, Some(bound)),
    ];
    check("proofs.json", &vectors);
}

pub(super) fn shared_key() -> Vector {
    let mut talk = Talk::keyed(&[NEW, OLD], &[OLD]);
    talk.pass();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    talk.vector(
        "shared-key",
        "the client has a key more than the server: they prove the one that both have",
    )
}

pub(super) fn no_shared_key() -> Vector {
    let mut talk = Talk::keyed(&[NEW], &[OLD]);
    talk.pass();
    assert!(talk.client.fault().is_some(), "the client closes");
    talk.vector("no-shared-key", "client and server have different keys")
}

fn proofs(name: &str, key: &str, binding: Option<[u8; 32]>) -> Proofs {
    let mut talk = Talk::keyed(&[key], &[key]);
    for side in [&mut talk.client, &mut talk.server] {
        side.vouch(Identity::Unverified, binding);
    }
    talk.pass();
    assert!(talk.server.is_established(), "{name}");
    let (client, server) = (talk.payload(1), talk.payload(3));
    let (said, proof) = server.split_at(server.len() - 2 * (4 + 32));
    let value = |id: &str, len: usize| {
        let at = client.find(id).expect("the hello has it") + id.len();
        client[at..at + 2 * len].to_owned()
    };
    Proofs {
        name: name.into(),
        key: key.into(),
        client_nonce: value("0b002000", 32),
        tag: value("0c000800", 8),
        binding: binding.map_or_else(String::new, |bytes| hex(&bytes)),
        client_hello: client.into(),
        server_hello: said.into(),
        server_proof: proof[8..].into(),
        client_proof: talk.payload(4).into(),
    }
}
