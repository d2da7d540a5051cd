//! Hellos, and what a server refuses there.

use std::{sync::Arc, time::Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::{
    super::{
        config::{ContractVerdict, Peer},
        fault::{Fault, GoAwayReason},
        flow::SendCredit,
        frame::{Checksum, Flags, Frame, FrameType, PREFACE},
        hello::{Hello, judge},
    },
    Connection, Event, Phase, Side,
};

/// What a server answers to something that is no client of this protocol.
const NOT_A_CLIENT: &[u8] = b"MRPC: not a meshrpc client\r\n";

/// Takes a peer's preface off `input`; `false` if it is not whole yet.
///
/// # Errors
/// [`Fault::NotMeshrpc`] at the first byte that differs, [`Fault::Version`] at the last.
pub fn take_preface(input: &mut BytesMut) -> Result<bool, Fault> {
    let (magic, version) = PREFACE.split_at(PREFACE.len() - 1);
    if !input
        .iter()
        .zip(magic)
        .all(|(byte, expected)| byte == expected)
    {
        return Err(Fault::NotMeshrpc);
    }
    if input.len() < PREFACE.len() {
        return Ok(false);
    }
    if input[magic.len()] != version[0] {
        return Err(Fault::Version(input[magic.len()]));
    }
    input.advance(PREFACE.len());
    Ok(true)
}

impl Connection {
    /// Server: the client's preface came; the answer begins with this side's own.
    pub fn preface_received(&mut self) {
        if self.side == Side::Server {
            self.queue_preface();
        }
    }

    pub(super) fn queue_preface(&mut self) {
        self.out.extend_from_slice(&PREFACE);
        self.queued_to += PREFACE.len() as u64;
    }

    pub(super) fn queue_client_hello(&mut self) {
        let wanted = &self.config.contracts;
        let mut hello = self.hello();
        hello.wanted = wanted
            .iter()
            .map(|offer| (offer.name.clone(), offer.fingerprint))
            .collect();
        hello
            .wanted_instance
            .clone_from(&self.config.wanted_instance);
        if let Some(proving) = &self.proving {
            hello.nonce = Some(proving.nonce());
            hello.key_tags = proving.tags();
        }
        let mut payload = Vec::new();
        hello.put(&mut payload, self.grease);
        self.queue_hello(FrameType::ClientHello, &payload);
        if let Some(proving) = &mut self.proving {
            proving.client_said(payload.into());
        }
    }

    pub(super) fn queue_hello(&mut self, kind: FrameType, payload: &[u8]) {
        self.queue_frame(kind, Flags::default(), 0, |out| {
            out.extend_from_slice(payload)
        });
    }

    fn hello(&self) -> Hello {
        Hello {
            ping_min: self.config.ping_min,
            checksum: if self.config.checksum {
                Checksum::Crc32
            } else {
                Checksum::Off
            },
            codecs: self
                .config
                .codecs
                .iter()
                .fold(0, |bits, codec| bits | 1 << *codec as u32),
            name: Arc::from(self.config.identity.name.as_str()),
            epoch: self.config.identity.epoch,
            ..Hello::new(self.limits)
        }
    }

    /// A frame that came before the handshake was done.
    pub(super) fn receive_hello(&mut self, frame: &Frame, now: Instant) -> Result<(), Fault> {
        match (self.side, frame.kind) {
            (Side::Server, Some(FrameType::ClientHello)) => {
                self.client_said_hello(frame.payload.clone(), now)
            }
            (Side::Client, Some(FrameType::ServerHello)) => {
                self.server_said_hello(&frame.payload, now)
            }
            (Side::Server, Some(FrameType::Auth)) => self.client_proved(&frame.payload, now),
            (Side::Client, Some(FrameType::GoAway)) => {
                let go_away = super::super::layout::parse_go_away(frame.payload.clone())?;
                Err(Fault::GoneAway {
                    reason: go_away.reason,
                    text: go_away.text,
                })
            }
            (_, None) => {
                self.counters.count(|counters| &mut counters.ignored_frames);
                self.budget.spend(now)
            }
            _ => Err(Fault::Malformed("a frame before the handshake was done")),
        }
    }

    /// Server: the peer's hello is answered with a go-away, whatever it says.
    pub fn refuse_hello(&mut self, reason: GoAwayReason, text: String) {
        self.refusal = Some(Box::new((reason, text)));
    }

    fn client_said_hello(&mut self, payload: Bytes, now: Instant) -> Result<(), Fault> {
        if self.awaits_proof() {
            return Err(Fault::Malformed("a second hello"));
        }
        let client = Hello::parse(payload.clone(), true)?;
        if let Some(refusal) = self.refusal.take() {
            let (reason, text) = *refusal;
            return Err(self.refuse(reason, text));
        }
        let verdicts = judge(&client.wanted, &self.config.contracts);
        let absent = |(_, verdict): &(String, ContractVerdict)| *verdict == ContractVerdict::Absent;
        if self.ending.has_begun() {
            return Err(self.refuse(GoAwayReason::Draining, String::new()));
        }
        self.choose_key(&client)?;
        let own_name = &self.config.identity.name;
        if !verdicts.is_empty() && verdicts.iter().all(absent) {
            return Err(self.refuse(GoAwayReason::NoContract, format!("this is {own_name}")));
        }
        if client
            .wanted_instance
            .as_ref()
            .is_some_and(|wanted| wanted != own_name)
        {
            return Err(self.refuse(GoAwayReason::WrongInstance, format!("this is {own_name}")));
        }

        let mut hello = self.hello();
        if client.checksum == Checksum::Crc32 {
            hello.checksum = Checksum::Crc32;
        }
        hello.features &= client.features;
        hello.verdicts = verdicts;
        let mut answer = Vec::new();
        match &mut self.proving {
            Some(proving) => proving.answer(&mut hello, self.grease, payload, &mut answer),
            None => hello.put(&mut answer, self.grease),
        }
        self.queue_hello(FrameType::ServerHello, &answer);
        match &mut self.proving {
            Some(proving) => {
                self.checksum = hello.checksum;
                proving.await_proof(client);
            }
            None => self.established(&client, hello.checksum, false, now),
        }
        Ok(())
    }

    fn server_said_hello(&mut self, payload: &Bytes, now: Instant) -> Result<(), Fault> {
        let server = Hello::parse(payload.clone(), false)?;
        let proof = match &mut self.proving {
            Some(proving) => Some(proving.client_proof(&server, payload)?),
            None => None,
        };
        let checksum = server.checksum;
        self.established(&server, checksum, proof.is_some(), now);
        if let Some(proof) = proof {
            self.queue_frame(FrameType::Auth, Flags::default(), 0, |out| {
                out.extend_from_slice(&proof)
            });
        }
        Ok(())
    }

    pub(super) fn established(
        &mut self,
        peer: &Hello,
        checksum: Checksum,
        proved: bool,
        now: Instant,
    ) {
        self.phase = Phase::Open;
        self.checksum = checksum;
        if !cfg!(meshrpc_fault = "own_limits_obeyed") {
            self.peer_limits = peer.limits;
        }
        self.send_credit = SendCredit::new(peer.limits.connection_window);
        self.keep_alive.established(peer.ping_min, now);
        let identity = self.identity(proved);
        let known = Arc::new(Peer {
            name: Arc::clone(&peer.name),
            epoch: peer.epoch,
            verdicts: peer.verdicts.clone(),
            max_message: peer.limits.max_message,
            codecs: peer.codecs,
            identity,
        });
        self.events.push_back(Event::Connected(known));
    }

    /// What the peer sees of `fault` before the connection closes.
    pub(super) fn queue_farewell(&mut self, fault: &Fault) {
        if *fault == Fault::NotMeshrpc && self.side == Side::Server {
            self.out.extend_from_slice(NOT_A_CLIENT);
            self.queued_to += NOT_A_CLIENT.len() as u64;
        } else if self.side == Side::Client && matches!(self.phase, Phase::Handshake { .. }) {
            // Which checksum the server chose is not known here.
        } else if let Some(reason) = fault.farewell() {
            if self.side == Side::Server && self.queued_to == 0 {
                self.queue_preface();
            }
            self.queue_go_away(u64::MAX, reason, false, fault.to_string());
        }
    }

    pub(super) fn refuse(&mut self, reason: GoAwayReason, text: String) -> Fault {
        self.queue_go_away(0, reason, false, text.clone());
        Fault::Refused { reason, text }
    }
}
