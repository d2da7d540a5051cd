//! The handshake in which keys are proved, with somebody in the middle who has none of them.

use std::{sync::Arc, time::Instant};

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use meshrpc::wire::{
    Config, Connection, Event, Fault, Flags, Frame, FrameType, HEADER_LEN, Identity, Keys, PREFACE,
    Secrets,
};

/// Parties that hold keys; two more hold one of nobody else's.
const HONEST: usize = 4;
/// The keys of an honest party: before, while and after `a` is replaced by `b`; or others.
const LETTERS: [&str; 6] = ["a", "b", "ab", "ba", "cb", "c"];
/// Bytes of the server's proof in its hello.
const PROOF: usize = 36;
/// Payloads that are remembered.
const HEARD: usize = 64;

/// Who takes part.
#[derive(Arbitrary, Debug)]
struct Cast {
    letters: [u8; HONEST],
    /// The TLS channel that one is an end of, if of any.
    channels: [u8; HONEST],
    unchecked: [bool; HONEST],
}

/// What happens next.
#[derive(Arbitrary, Debug)]
enum Step {
    /// A payload that was heard is told to somebody, perhaps changed, perhaps as another frame.
    Tell {
        to: u8,
        heard: u8,
        kind: Option<Kind>,
        change: Change,
    },
    /// Anything is told to somebody.
    Say {
        to: u8,
        kind: Kind,
        payload: Vec<u8>,
    },
    /// The owner of one that found a fault ends it: all of them should, at once.
    Heed { of: u8 },
    /// The owner of one lets it drain.
    GoAway { of: u8 },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    ClientHello,
    ServerHello,
    Auth,
    GoAway,
    Open,
    Unknown,
}

/// What becomes of a payload on its way.
#[derive(Arbitrary, Debug)]
enum Change {
    Nothing,
    Flip {
        at: u16,
        bit: u8,
    },
    Cut {
        len: u16,
    },
    Append(Vec<u8>),
    /// From there on it is another one that was heard.
    Splice {
        at: u16,
        other: u8,
        from: u16,
    },
    /// One of its tagged values is that of another one.
    Swap {
        value: u8,
        other: u8,
    },
}

/// One side of a connection, and what it takes both to have said.
struct Party {
    wire: Connection,
    is_client: bool,
    letters: &'static str,
    channel: Option<[u8; 32]>,
    /// The client's own hello.
    hello: Option<Bytes>,
    /// Both hellos, as often as there were two: one whose owner does not heed a fault may go on.
    said: Vec<(Bytes, Bytes)>,
    connected: bool,
    /// Frames that it was told.
    told: usize,
    drains: bool,
    fault: Option<Fault>,
    /// It has said its preface.
    begun: bool,
}

/// What somebody in the middle has heard.
#[derive(Clone)]
struct Heard {
    by: usize,
    kind: FrameType,
    payload: Bytes,
}

/// Keys proved in the handshake: somebody who has none, and hears, changes, repeats, reflects and
/// mixes what is said, is connected to nobody. A side is connected only where exactly one of the
/// other side has one of its keys, and both mean the same hellos on the same channel; and it is if
/// nothing was changed.
pub fn keys(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(cast) = Cast::arbitrary(&mut input) else {
        return;
    };
    let mut scene = Scene::new(&cast);
    while !input.is_empty() {
        let Ok(step) = Step::arbitrary(&mut input) else {
            break;
        };
        scene.step(step);
    }
    scene.reflect();
}

struct Scene {
    now: Instant,
    parties: Vec<Party>,
    heard: Vec<Heard>,
}

impl Scene {
    fn new(cast: &Cast) -> Self {
        let now = Instant::now();
        let honest = (0..HONEST).map(|n| {
            let letters = LETTERS[usize::from(cast.letters[n]) % LETTERS.len()];
            let channel = cast.channels[n] % 4;
            let channel = (channel > 1).then_some([channel; 32]);
            Party::new(n, letters, channel, !cast.unchecked[n], now)
        });
        let others = (HONEST..HONEST + 2).map(|n| Party::new(n, "z", None, true, now));
        let mut scene = Self {
            now,
            parties: honest.chain(others).collect(),
            heard: Vec::new(),
        };
        for party in 0..scene.parties.len() {
            scene.listen(party, &Bytes::new());
        }
        scene
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Tell {
                to,
                heard,
                kind,
                change,
            } => {
                let Some(heard) = self.heard(heard).cloned() else {
                    return;
                };
                let to = self.party(to);
                let due = self.is_due(to, &heard, kind, &change);
                let payload = self.changed(&heard.payload, change);
                self.tell(to, kind.map_or(heard.kind, Kind::frame_type), payload);
                assert!(!due || self.parties[to].connected, "nothing was changed");
            }
            Step::Say { to, kind, payload } => {
                let to = self.party(to);
                self.tell(to, kind.frame_type(), payload.into());
            }
            Step::Heed { of } => {
                let of = self.party(of);
                if let Some(fault) = self.parties[of].fault.take() {
                    self.parties[of].wire.fail_with(fault);
                }
                self.listen(of, &Bytes::new());
            }
            Step::GoAway { of } => {
                let of = self.party(of);
                self.parties[of].drains = true;
                self.parties[of].wire.go_away(self.now);
                self.listen(of, &Bytes::new());
            }
        }
    }

    /// Each server that has proved a key hears its own proof.
    fn reflect(&mut self) {
        for at in 0..self.parties.len() {
            let said = self.parties[at]
                .said
                .last()
                .map(|(_, server)| server.clone());
            if let Some(server) = said.filter(|_| !self.parties[at].is_client) {
                let proof = server.slice(server.len().saturating_sub(32)..);
                self.tell(at, FrameType::Auth, proof);
            }
        }
    }

    /// Whether a party has to be connected by this: it was told the truth and nothing else.
    fn is_due(&self, to: usize, heard: &Heard, kind: Option<Kind>, change: &Change) -> bool {
        let (to, by) = (&self.parties[to], &self.parties[heard.by]);
        let kind = kind.map_or(heard.kind, Kind::frame_type);
        let is_true = kind == heard.kind && matches!(change, Change::Nothing);
        let in_turn = match kind {
            // A side that drains has had more to say than a hello.
            FrameType::ServerHello => {
                let answers = |(hello, answer): &(Bytes, Bytes)| {
                    to.hello.as_ref() == Some(hello) && *answer == heard.payload
                };
                to.told == 0 && by.said.iter().any(answers)
            }
            FrameType::Auth => to.told == 1 && to.said.first() == by.said.first(),
            _ => false,
        };
        is_true && in_turn && to.fits(by) && !to.drains
    }

    fn tell(&mut self, to: usize, kind: FrameType, payload: Bytes) {
        let party = &mut self.parties[to];
        if !party.wire.takes_frames() {
            return;
        }
        party.told += 1;
        let frame = Frame {
            kind: Some(kind).filter(|kind| *kind != FrameType::Info),
            flags: Flags::default(),
            stream: if kind == FrameType::Open { 2 } else { 0 },
            payload: payload.clone(),
        };
        if let Err(fault) = party.wire.receive(&frame, self.now) {
            party.fault = Some(fault);
        }
        self.listen(to, &payload);
    }

    /// Takes what a party has to say, and what happened to it when it was `told` something.
    fn listen(&mut self, at: usize, told: &Bytes) {
        let party = &mut self.parties[at];
        for (kind, payload) in party.speak() {
            match kind {
                FrameType::ClientHello => party.hello = Some(payload.clone()),
                FrameType::ServerHello => party.said.push((told.clone(), payload.clone())),
                FrameType::Auth | FrameType::GoAway => {}
                other => assert!(party.connected, "{other:?} before the handshake was done"),
            }
            if self.heard.len() < HEARD {
                self.heard.push(Heard {
                    by: at,
                    kind,
                    payload,
                });
            }
        }
        let was = party.connected;
        while let Some(event) = party.wire.poll_event() {
            match event {
                Event::Connected(peer) => {
                    assert!(!party.connected, "connected twice");
                    assert_eq!(peer.identity, Identity::Key);
                    party.connected = true;
                }
                Event::Closing => {}
                other => assert!(party.connected, "{other:?} before the handshake was done"),
            }
        }
        if party.connected == was {
            return;
        }
        if let Some(hello) = &party.hello {
            party.said.push((hello.clone(), told.clone()));
        }
        let party = &self.parties[at];
        let met = |other: &&Party| {
            // A client proves itself once the server has.
            let is_proved = party.is_client || other.connected;
            let same = party.said.last().map(meant);
            let same = other.said.iter().any(|said| Some(meant(said)) == same);
            party.fits(other) && is_proved && same
        };
        let met = self.parties.iter().filter(met).count();
        assert_eq!(met, 1, "party {at} is connected to {met} others");
    }

    fn changed(&self, payload: &Bytes, change: Change) -> Bytes {
        let mut payload = payload.to_vec();
        match change {
            Change::Nothing => {}
            Change::Flip { at, bit } => {
                let len = payload.len().max(1);
                if let Some(byte) = payload.get_mut(usize::from(at) % len) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Change::Cut { len } => payload.truncate(len.into()),
            Change::Append(bytes) => payload.extend(bytes),
            Change::Splice { at, other, from } => {
                payload.truncate(at.into());
                let other = self.heard(other).map(|heard| &heard.payload);
                let other = other.and_then(|other| other.get(usize::from(from)..));
                payload.extend_from_slice(other.unwrap_or_default());
            }
            Change::Swap { value, other } => {
                let others = self.heard(other).map_or(Vec::new(), |heard| {
                    values(&heard.payload).map(<[u8]>::to_vec).collect()
                });
                let mut own: Vec<Vec<u8>> = values(&payload).map(<[u8]>::to_vec).collect();
                let at = usize::from(value) % own.len().max(1);
                if let Some(own) = own.get_mut(at) {
                    let same = others.into_iter().find(|other| other[..2] == own[..2]);
                    *own = same.unwrap_or_default();
                }
                payload = own.concat();
            }
        }
        payload.into()
    }

    fn party(&self, number: u8) -> usize {
        usize::from(number) % self.parties.len()
    }

    fn heard(&self, number: u8) -> Option<&Heard> {
        self.heard
            .get(usize::from(number) % self.heard.len().max(1))
    }
}

impl Party {
    fn new(
        n: usize,
        letters: &'static str,
        channel: Option<[u8; 32]>,
        checksum: bool,
        now: Instant,
    ) -> Self {
        let config = Arc::new(Config {
            checksum,
            ..Config::default()
        });
        let keys = letters.chars().map(|letter| letter.to_string().repeat(32));
        let secrets = Secrets {
            keys: Keys::new(keys).expect("keys"),
            nonce: [n as u8; 32],
        };
        let is_client = n.is_multiple_of(2);
        let mut wire = match is_client {
            true => Connection::client_with(config, Some(secrets), 1, now),
            false => Connection::server_with(config, Some(secrets), 1, now),
        };
        wire.vouch(Identity::Unverified, channel);
        wire.preface_received();
        Self {
            wire,
            is_client,
            letters,
            channel,
            hello: None,
            said: Vec::new(),
            connected: false,
            told: 0,
            drains: false,
            fault: None,
            begun: false,
        }
    }

    /// Whether these two may be connected.
    fn fits(&self, other: &Party) -> bool {
        let shared = self.letters.chars().any(|key| other.letters.contains(key));
        self.is_client != other.is_client && self.channel == other.channel && shared
    }

    /// The frames that it has to send.
    fn speak(&mut self) -> Vec<(FrameType, Bytes)> {
        let mut out = Vec::new();
        self.wire.transmit(&mut out);
        self.wire.wrote(out.len());
        let preface = if self.begun { 0 } else { PREFACE.len() };
        self.begun |= !out.is_empty();
        let mut rest = out.get(preface..).unwrap_or_default();
        let mut said = Vec::new();
        while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
            let len = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
            let kind = FrameType::ALL
                .into_iter()
                .find(|kind| *kind as u8 == header[3]);
            let payload = Bytes::copy_from_slice(&rest[HEADER_LEN..HEADER_LEN + len]);
            said.push((kind.expect("a frame of this version"), payload));
            rest = &rest[HEADER_LEN + len..];
        }
        assert!(rest.is_empty(), "half a frame");
        said
    }
}

impl Kind {
    fn frame_type(self) -> FrameType {
        match self {
            Kind::ClientHello => FrameType::ClientHello,
            Kind::ServerHello => FrameType::ServerHello,
            Kind::Auth => FrameType::Auth,
            Kind::GoAway => FrameType::GoAway,
            Kind::Open => FrameType::Open,
            // It is told as one that nobody knows.
            Kind::Unknown => FrameType::Info,
        }
    }
}

/// What two hellos say. The value that is the server's proof is not what it is about.
fn meant((client, server): &(Bytes, Bytes)) -> (Bytes, Bytes) {
    let len = server.len().saturating_sub(PROOF);
    (client.clone(), server.slice(..len))
}

/// The tagged values of a hello, each with its id and its length.
fn values(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let len = u16::from_le_bytes([*rest.get(2)?, *rest.get(3)?]);
        let (value, after) = rest.split_at_checked(4 + usize::from(len))?;
        rest = after;
        Some(value)
    })
}
