//! A client and a server of this implementation, side by side.

use std::{mem, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    CallKind, Config, Connection, ContractOffer, Event, Failure, Flags, Frame, Keys, LocalIdentity,
    OpenHead, PREFACE, Read, Secrets, Status, take_preface,
};

use super::{Step, Vector};
use crate::{decoded::name, hex, parts};

/// A client and a server, and what they said.
pub(super) struct Talk {
    pub(super) client: Connection,
    pub(super) server: Connection,
    pub(super) now: Instant,
    to_client: BytesMut,
    to_server: BytesMut,
    client_events: Vec<Event>,
    pub(super) server_events: Vec<Event>,
    prefaces: (bool, bool),
    steps: Vec<Step>,
}

impl Talk {
    /// After the hellos.
    pub(super) fn open() -> Self {
        let mut talk = Self::new(None, true);
        talk.pass();
        assert!(talk.client.is_established() && talk.server.is_established());
        talk
    }

    /// Before the hellos, where the client is particular.
    pub(super) fn wanting(instance: &str) -> Self {
        Self::new(Some(instance.to_owned()), true)
    }

    /// Before the hellos, where each side has the keys of these texts.
    pub(super) fn keyed(client: &[&str], server: &[&str]) -> Self {
        let secrets = |keys: &[&str], byte: u8| {
            let nonce = std::array::from_fn(|at| byte + at as u8);
            let keys = Keys::new(keys).ok()?;
            Some(Secrets { keys, nonce })
        };
        Self::with(None, true, [secrets(client, 0xA0), secrets(server, 0xC0)])
    }

    /// After hellos that do without checksums.
    pub(super) fn unsummed() -> Self {
        let mut talk = Self::new(None, false);
        talk.pass();
        talk
    }

    fn new(wanted_instance: Option<String>, checksum: bool) -> Self {
        Self::with(wanted_instance, checksum, [None, None])
    }

    fn with(
        wanted_instance: Option<String>,
        checksum: bool,
        [clients, servers]: [Option<Secrets>; 2],
    ) -> Self {
        let now = Instant::now();
        let config = |name: &str, epoch| Config {
            checksum,
            identity: LocalIdentity {
                name: name.into(),
                epoch,
            },
            contracts: Arc::new([ContractOffer {
                name: "Greeter".into(),
                fingerprint: 0x0102_0304_0506_0708,
                methods: Vec::new(),
            }]),
            ..Config::default()
        };
        let client = Config {
            wanted_instance,
            ..config("mesh_api", 0)
        };
        Self {
            client: Connection::client_with(Arc::new(client), clients, 0x1234, now),
            server: Connection::server_with(Arc::new(config("greeter-1", 7)), servers, 0x4321, now),
            now,
            to_client: BytesMut::new(),
            to_server: BytesMut::new(),
            client_events: Vec::new(),
            server_events: Vec::new(),
            prefaces: (false, false),
            steps: Vec::new(),
        }
    }

    pub(super) fn vector(self, name: &str, what: &str) -> Vector {
        Vector {
            name: name.into(),
            what: what.into(),
            steps: self.steps,
        }
    }

    /// Payload of the frame that was said at `step`.
    pub(super) fn payload(&self, step: usize) -> &str {
        &self.steps[step].hex[32..]
    }

    pub(super) fn call(&mut self, kind: CallKind, body: &[u8]) -> u64 {
        let head = OpenHead {
            kind,
            ..parts::small_open()
        };
        let made = self.client.call(head, body.to_vec(), None, self.now);
        made.expect("the call is made")
    }

    /// Lets both say and hear everything.
    pub(super) fn pass(&mut self) {
        loop {
            let before = self.steps.len();
            self.hear_client();
            self.hear_server();
            if self.steps.len() == before {
                return;
            }
        }
    }

    /// What the client says reaches the server.
    pub(super) fn hear_client(&mut self) {
        let said = said(&mut self.client);
        self.say_to_server(&said);
    }

    pub(super) fn hear_server(&mut self) {
        let said = said(&mut self.server);
        self.say_to_client(&said);
    }

    pub(super) fn say_to_server(&mut self, bytes: &[u8]) {
        self.to_server.extend_from_slice(bytes);
        let (input, seen) = (&mut self.to_server, &mut self.prefaces.1);
        hear(
            &mut self.server,
            "client",
            input,
            seen,
            &mut self.steps,
            self.now,
        );
        self.collect();
    }

    pub(super) fn say_to_client(&mut self, bytes: &[u8]) {
        self.to_client.extend_from_slice(bytes);
        let (input, seen) = (&mut self.to_client, &mut self.prefaces.0);
        hear(
            &mut self.client,
            "server",
            input,
            seen,
            &mut self.steps,
            self.now,
        );
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.client_events.push(event);
        }
        while let Some(event) = self.server.poll_event() {
            self.server_events.push(event);
        }
    }

    /// The request of the call that the server was given.
    pub(super) fn served(&mut self, expected: u64) -> Option<Bytes> {
        for event in mem::take(&mut self.server_events) {
            if let Event::Call { id, head, body, .. } = event {
                assert_eq!((id, head.method), (expected, parts::GREET));
                return body;
            }
        }
        panic!("the server has no call");
    }

    /// The whole reply that the client has.
    pub(super) fn answer(&mut self) -> Vec<u8> {
        for event in mem::take(&mut self.client_events) {
            if let Event::Reply { body, .. } = event {
                return body.to_vec();
            }
        }
        panic!("the client has no reply");
    }

    /// The status that the client has.
    pub(super) fn status(&mut self) -> Status {
        for event in mem::take(&mut self.client_events) {
            if let Event::Failed {
                failure: Failure::Status(status),
                ..
            } = event
            {
                return *status;
            }
        }
        panic!("the client has no status");
    }

    pub(super) fn read_by_client(&mut self, id: u64) -> Vec<u8> {
        whole(&mut self.client, id)
    }

    pub(super) fn read_by_server(&mut self, id: u64) -> Vec<u8> {
        whole(&mut self.server, id)
    }
}

fn said(side: &mut Connection) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut out = Vec::new();
        side.transmit(&mut out);
        if out.is_empty() {
            return all;
        }
        side.wrote(out.len());
        all.extend(out);
    }
}

/// Lets `side` hear what came, and writes it down.
fn hear(
    side: &mut Connection,
    from: &str,
    input: &mut BytesMut,
    preface_seen: &mut bool,
    steps: &mut Vec<Step>,
    now: Instant,
) {
    let mut note = |what: String, bytes: &[u8]| {
        let from = from.to_owned();
        let hex = hex(bytes);
        steps.push(Step { from, what, hex });
    };
    if !*preface_seen {
        if !take_preface(input).expect("a preface") {
            return;
        }
        *preface_seen = true;
        note("preface".into(), &PREFACE);
        side.preface_received();
    }
    loop {
        let whole = input.clone();
        let Some(frame) = side.frame_reader().next(input).expect("a good frame") else {
            return;
        };
        note(described(&frame), &whole[..whole.len() - input.len()]);
        if let Err(fault) = side.receive(&frame, now) {
            side.fail_with(fault);
        }
    }
}

fn described(frame: &Frame) -> String {
    let mut text = name(frame.kind).to_owned();
    if frame.stream != 0 {
        text += &format!(" {}", frame.stream);
    }
    for (flag, name) in [(Flags::END, " END"), (Flags::CREDIT_NOW, " CREDIT NOW")] {
        if frame.flags.contains(flag) {
            text += name;
        }
    }
    text
}

/// A direction, read to its end.
fn whole(side: &mut Connection, id: u64) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match side.read(id) {
            Read::Bytes(bytes) => all.extend_from_slice(&bytes),
            Read::End => return all,
            other => panic!("{other:?} in the middle of a stream"),
        }
    }
}
