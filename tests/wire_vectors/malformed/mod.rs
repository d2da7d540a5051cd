//! What a peer may not send, and how it is answered: by a server of this implementation on a
//! socket, and by the wire's own client.
//!
//! # Layout
//! - `hellos`: until the handshake is done
//! - `frames`: what ends the connection after it
//! - `calls`: what ends a call, or nothing
//! - `answers`: what a server may not send
//! - `server`, `client`: who receives it here

mod answers;
mod calls;
mod client;
mod frames;
mod hellos;
mod server;

use meshrpc::{
    Started,
    wire::{GoAwayReason, Reason},
};
use serde::{Deserialize, Serialize};

use crate::{check, from_hex, hex};

const FILE: &str = "malformed.json";

/// Something that is sent, and what its receiver does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    name: String,
    what: String,
    /// Who gets it.
    receiver: Receiver,
    /// What was said before.
    after: After,
    /// Sent once.
    before: String,
    /// The bytes, followed by so many zeros, and all of it so many times.
    hex: String,
    zeros: usize,
    repeat: usize,
    answer: Answer,
    closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Receiver {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum After {
    Nothing,
    /// The sender's preface.
    Preface,
    /// Preface and hello.
    Handshake,
    /// The same, and the client made a unary call with id 2.
    Call,
    /// The same, and the call is answered with a stream.
    Stream,
}

/// What the receiver says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Nothing,
    Text(String),
    /// The reason.
    Goaway(u8),
    /// Reason and started.
    Status(u8, u8),
    /// The code.
    Reset(u32),
    /// A plain reply, as if nothing was wrong.
    Reply,
}

#[test]
fn what_is_malformed_stays_the_same() {
    check(FILE, &vectors());
}

fn vectors() -> Vec<Vector> {
    [
        hellos::cases(),
        frames::cases(),
        calls::cases(),
        answers::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Vector {
    fn new(receiver: Receiver, name: &str, what: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
            receiver,
            after: After::Handshake,
            before: String::new(),
            hex: hex(bytes),
            zeros: 0,
            repeat: 1,
            answer: Answer::Goaway(GoAwayReason::Protocol as u8),
            closes: true,
        }
    }

    fn after(self, after: After) -> Self {
        Self { after, ..self }
    }

    fn before(self, bytes: &[u8]) -> Self {
        let before = hex(bytes);
        Self { before, ..self }
    }

    fn zeros(self, zeros: usize) -> Self {
        Self { zeros, ..self }
    }

    fn repeat(self, repeat: usize) -> Self {
        Self { repeat, ..self }
    }

    fn goaway(self, reason: GoAwayReason) -> Self {
        let answer = Answer::Goaway(reason as u8);
        Self { answer, ..self }
    }

    /// The connection goes on.
    fn answer(self, answer: Answer) -> Self {
        Self {
            answer,
            closes: false,
            ..self
        }
    }

    fn status(self, reason: Reason, started: Started) -> Self {
        self.answer(Answer::Status(reason as u8, started as u8))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut once = from_hex(&self.hex);
        once.resize(once.len() + self.zeros, 0);
        [from_hex(&self.before), once.repeat(self.repeat)].concat()
    }
}
