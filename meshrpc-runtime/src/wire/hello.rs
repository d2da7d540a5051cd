//! HELLO: what each side says before the first call.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, BufMut, Bytes};

use super::{
    config::{Config, ContractOffer, ContractVerdict, MethodOffer},
    fault::Fault,
    frame::{Checksum, HANDSHAKE_MAX_FRAME},
    keys::{MAX_KEYS, NONCE, PROOF, TAG},
    tlv,
};

/// Longest name of an instance or client.
const MAX_NAME: usize = 128;
/// Most contracts a client may name.
const MAX_CONTRACTS: usize = 64;
/// More bytes than all values but contracts take in a server's hello.
const OTHER_VALUES: usize = 320;

mod id {
    pub(super) const FEATURES: u16 = 1;
    pub(super) const LIMITS: u16 = 2;
    pub(super) const TIMERS: u16 = 3;
    pub(super) const CHECKSUM: u16 = 4;
    pub(super) const CODECS: u16 = 5;
    pub(super) const CONTRACT: u16 = 7;
    pub(super) const WANTED_INSTANCE: u16 = 8;
    pub(super) const NAME: u16 = 9;
    pub(super) const EPOCH: u16 = 10;
    pub(super) const NONCE: u16 = 11;
    pub(super) const KEY_TAGS: u16 = 12;
    pub(super) const PROOF: u16 = 13;
}

mod verdict {
    pub(super) const SAME: u8 = 0;
    pub(super) const DIFFERS: u8 = 1;
    pub(super) const ABSENT: u8 = 2;
}

/// Limits of the side that says the hello, for what the other one sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest payload of a frame.
    pub max_frame: u32,
    /// Largest buffered message.
    pub max_message: u64,
    /// Calls at a time.
    pub max_streams: u32,
    /// Connection credit to begin with.
    pub connection_window: u32,
    /// Stream credit to begin with.
    pub stream_window: u32,
    /// Bytes of a direction that need no connection credit.
    pub inline_max: u32,
}

/// A hello of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Client: features it has. Server: features both have. None exist yet.
    pub features: u64,
    /// Limits of the sender.
    pub limits: Limits,
    /// The other side must not ping more often.
    pub ping_min: Duration,
    /// Client: whether it asks for checksums. Server: whether there are any.
    pub checksum: Checksum,
    /// Codecs the sender reads, as bits `1 << number`.
    pub codecs: u32,
    /// Instance or client name.
    pub name: Arc<str>,
    /// Server's boot epoch, 0 for a client.
    pub epoch: u64,
    /// Client: it wants this instance and no other.
    pub wanted_instance: Option<String>,
    /// Client: what it wants, without methods.
    pub wanted: Vec<(String, u64)>,
    /// Server: what it says of that.
    pub verdicts: Vec<(String, ContractVerdict)>,
    /// Where keys are proved: what makes the conversation unlike any other.
    pub nonce: Option<[u8; NONCE]>,
    /// Client: a tag for each of its keys.
    pub key_tags: Vec<[u8; TAG]>,
    /// Server: its proof of a shared key. It is about the bytes before it, so it is not written
    /// with them.
    pub proof: Option<[u8; PROOF]>,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            max_frame: config.max_frame.clamp(HANDSHAKE_MAX_FRAME, (1 << 24) - 1),
            max_message: config.max_message,
            max_streams: config.max_streams.max(1),
            connection_window: config.connection_window.max(64 << 10),
            stream_window: config.stream_window.max(16 << 10),
            inline_max: config.inline_max.min(config.max_frame / 2),
        }
    }

    /// Bytes of a whole message that may come in its first frame.
    pub(super) fn first_frame(&self) -> usize {
        let max = usize::try_from(self.max_message).unwrap_or(usize::MAX);
        max.min(self.inline_max as usize)
    }
}

impl Hello {
    /// One that says these limits and nothing else.
    pub fn new(limits: Limits) -> Self {
        Self {
            features: 0,
            limits,
            ping_min: Duration::ZERO,
            checksum: Checksum::Off,
            codecs: 0,
            name: Arc::from(""),
            epoch: 0,
            wanted_instance: None,
            wanted: Vec::new(),
            verdicts: Vec::new(),
            nonce: None,
            key_tags: Vec::new(),
            proof: None,
        }
    }

    /// Appends the payload. `grease` is a number of the caller's choice: a reserved value made
    /// from it keeps peers in the habit of ignoring what they do not know (RFC 8701).
    pub fn put(&self, out: &mut Vec<u8>, grease: u16) {
        tlv::put(out, id::FEATURES | tlv::CRITICAL, |out| {
            out.put_u64_le(self.features)
        });
        tlv::put(out, id::LIMITS | tlv::CRITICAL, |out| {
            out.put_u32_le(self.limits.max_frame);
            out.put_u64_le(self.limits.max_message);
            out.put_u32_le(self.limits.max_streams);
            out.put_u32_le(self.limits.connection_window);
            out.put_u32_le(self.limits.stream_window);
            out.put_u32_le(self.limits.inline_max);
        });
        let ping_min = u32::try_from(self.ping_min.as_millis()).unwrap_or(u32::MAX);
        tlv::put(out, id::TIMERS, |out| out.put_u32_le(ping_min));
        tlv::put(out, id::CHECKSUM | tlv::CRITICAL, |out| {
            out.put_u8(self.checksum as u8)
        });
        tlv::put(out, id::CODECS, |out| out.put_u32_le(self.codecs));
        tlv::put(out, id::NAME, |out| out.put_slice(self.name.as_bytes()));
        tlv::put(out, id::EPOCH, |out| out.put_u64_le(self.epoch));
        if let Some(wanted) = &self.wanted_instance {
            tlv::put(out, id::WANTED_INSTANCE | tlv::CRITICAL, |out| {
                out.put_slice(wanted.as_bytes())
            });
        }
        for (name, fingerprint) in self.wanted.iter().take(MAX_CONTRACTS) {
            tlv::put(out, id::CONTRACT, |out| {
                out.put_u64_le(*fingerprint);
                out.put_slice(name.as_bytes());
            });
        }
        for (name, verdict) in &self.verdicts {
            tlv::put(out, id::CONTRACT, |out| put_verdict(out, name, verdict));
        }
        if let Some(nonce) = &self.nonce {
            tlv::put(out, id::NONCE, |out| out.put_slice(nonce));
        }
        if !self.key_tags.is_empty() {
            tlv::put(out, id::KEY_TAGS, |out| {
                out.put_slice(self.key_tags.as_flattened())
            });
        }
        tlv::put(out, reserved_id(grease), |out| out.put_u16_le(grease));
    }

    /// Appends the proof about all that [`put`](Self::put) has written.
    pub fn put_proof(out: &mut Vec<u8>, proof: &[u8; PROOF]) {
        tlv::put(out, id::PROOF, |out| out.put_slice(proof));
    }

    /// Bytes of a payload with a proof that the proof is about.
    pub(super) fn proved(payload: &Bytes) -> Bytes {
        payload.slice(..payload.len().saturating_sub(tlv::HEADER + PROOF))
    }

    /// Reads a payload; `client` tells whose it is.
    pub fn parse(payload: Bytes, client: bool) -> Result<Hello, Fault> {
        let mut limits = None;
        let mut hello = Hello::new(Limits::of(&Config::default()));
        tlv::each(payload, |number, value| {
            if hello.proof.is_some() {
                return Err(Fault::Malformed("something follows the proof in a hello"));
            }
            match number & !tlv::CRITICAL {
                id::FEATURES => hello.features = u64::from_le_bytes(tlv::array(&value)?),
                id::LIMITS => limits = Some(parse_limits(value)?),
                id::TIMERS => {
                    let ms = u32::from_le_bytes(tlv::array(&value)?);
                    hello.ping_min = Duration::from_millis(ms.into());
                }
                id::CHECKSUM => {
                    hello.checksum = match tlv::array::<1>(&value)? {
                        [0] => Checksum::Off,
                        [1] => Checksum::Crc32,
                        _ => return Err(Fault::Malformed("an unknown checksum in a hello")),
                    }
                }
                id::CODECS => hello.codecs = u32::from_le_bytes(tlv::array(&value)?),
                id::NAME if value.len() > MAX_NAME => {
                    return Err(Fault::Malformed("a name in a hello is too long"));
                }
                id::NAME => hello.name = Arc::from(tlv::text(&value)?),
                id::EPOCH => hello.epoch = u64::from_le_bytes(tlv::array(&value)?),
                id::WANTED_INSTANCE => hello.wanted_instance = Some(tlv::text(&value)?.to_owned()),
                id::CONTRACT if client => hello.wanted.push(parse_wanted(value)?),
                id::CONTRACT => hello.verdicts.push(parse_verdict(value)?),
                id::NONCE => hello.nonce = Some(tlv::array(&value)?),
                id::KEY_TAGS if client => hello.key_tags = parse_tags(&value)?,
                id::PROOF if !client => hello.proof = Some(tlv::array(&value)?),
                _ if number & tlv::CRITICAL != 0 => {
                    return Err(Fault::Malformed("a critical value of a hello is unknown"));
                }
                _ => {}
            }
            if hello.wanted.len() > MAX_CONTRACTS {
                return Err(Fault::Malformed("too many contracts in a hello"));
            }
            Ok(())
        })?;
        hello.limits = limits.ok_or(Fault::Malformed("a hello without limits"))?;
        Ok(hello)
    }
}

/// What a server says of the contracts a client wants.
pub(crate) fn judge(
    wanted: &[(String, u64)],
    served: &[ContractOffer],
) -> Vec<(String, ContractVerdict)> {
    // Every name is answered; what is left of the hello, half of it at most, is for methods.
    let names: usize = wanted.iter().map(|(name, _)| name.len() + 6).sum();
    let max = HANDSHAKE_MAX_FRAME as usize;
    let mut budget = max.saturating_sub(names + OTHER_VALUES).min(max / 2);
    let judge_one = |(name, fingerprint): &(String, u64)| {
        let verdict = match served.iter().find(|offer| offer.name == *name) {
            None => ContractVerdict::Absent,
            Some(offer) if offer.fingerprint == *fingerprint && *fingerprint != 0 => {
                ContractVerdict::Same
            }
            // A list that does not fit the hello is left out: the client then has no fingerprint
            // to compare and names fields.
            Some(offer) if offer.methods.len() * 16 > budget => {
                ContractVerdict::Differs(Vec::new())
            }
            Some(offer) => {
                budget -= offer.methods.len() * 16;
                ContractVerdict::Differs(offer.methods.clone())
            }
        };
        (name.clone(), verdict)
    };
    wanted.iter().map(judge_one).collect()
}

/// Ids of the form 0x?A?A without the critical bit are never given a meaning.
fn reserved_id(grease: u16) -> u16 {
    (grease & 0x70F0) | 0x0A0A
}

fn put_verdict(out: &mut Vec<u8>, name: &str, verdict: &ContractVerdict) {
    let (number, methods): (u8, &[MethodOffer]) = match verdict {
        ContractVerdict::Same => (verdict::SAME, &[]),
        ContractVerdict::Differs(methods) => (verdict::DIFFERS, methods),
        ContractVerdict::Absent => (verdict::ABSENT, &[]),
    };
    out.put_u8(number);
    out.put_u8(name.len() as u8);
    out.put_slice(name.as_bytes());
    for method in methods {
        out.put_u64_le(method.key);
        out.put_u64_le(method.fingerprint);
    }
}

fn parse_verdict(mut value: Bytes) -> Result<(String, ContractVerdict), Fault> {
    const CUT: Fault = Fault::Malformed("a verdict in a hello is cut short");
    if value.len() < 2 || value.len() < 2 + usize::from(value[1]) {
        return Err(CUT);
    }
    let number = value.get_u8();
    let len = usize::from(value.get_u8());
    let name = tlv::text(&value.split_to(len))?.to_owned();
    if !value.len().is_multiple_of(16) {
        return Err(CUT);
    }
    let verdict = match number {
        verdict::SAME => ContractVerdict::Same,
        verdict::ABSENT => ContractVerdict::Absent,
        verdict::DIFFERS => {
            let mut methods = Vec::with_capacity(value.len() / 16);
            while !value.is_empty() {
                methods.push(MethodOffer {
                    key: value.get_u64_le(),
                    fingerprint: value.get_u64_le(),
                });
            }
            ContractVerdict::Differs(methods)
        }
        _ => return Err(Fault::Malformed("an unknown verdict in a hello")),
    };
    Ok((name, verdict))
}

fn parse_wanted(mut value: Bytes) -> Result<(String, u64), Fault> {
    if value.len() < 8 || value.len() > 8 + 255 {
        return Err(Fault::Malformed("a contract in a hello has a wrong length"));
    }
    let fingerprint = value.get_u64_le();
    Ok((tlv::text(&value)?.to_owned(), fingerprint))
}

fn parse_tags(value: &[u8]) -> Result<Vec<[u8; TAG]>, Fault> {
    let (tags, rest) = value.as_chunks();
    if !rest.is_empty() || tags.len() > MAX_KEYS {
        return Err(Fault::Malformed("tags in a hello have a wrong length"));
    }
    Ok(tags.to_vec())
}

fn parse_limits(mut value: Bytes) -> Result<Limits, Fault> {
    // Longer is fine: later versions may add limits at the end.
    if value.len() < 28 {
        return Err(Fault::Malformed("the limits in a hello are cut short"));
    }
    let limits = Limits {
        max_frame: value.get_u32_le(),
        max_message: value.get_u64_le(),
        max_streams: value.get_u32_le(),
        connection_window: value.get_u32_le(),
        stream_window: value.get_u32_le(),
        inline_max: value.get_u32_le(),
    };
    if limits.max_frame < HANDSHAKE_MAX_FRAME || limits.max_frame >= 1 << 24 {
        return Err(Fault::Malformed(
            "a max_frame outside 16,384..2^24 in a hello",
        ));
    }
    if limits.inline_max > limits.max_frame / 2 || limits.max_streams == 0 {
        return Err(Fault::Malformed(
            "limits in a hello that contradict each other",
        ));
    }
    // With either at 0 a body could never be sent, and a call would wait for ever.
    if limits.connection_window == 0 || limits.stream_window == 0 {
        return Err(Fault::Malformed("a window of 0 in a hello"));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_as_many_contracts_as_fit_a_hello_fits_one() {
        let wanted: Vec<(String, u64)> = (0..62).map(|n| (format!("{n:0>248}"), 1)).collect();
        let method = MethodOffer {
            key: 1,
            fingerprint: 2,
        };
        let served: Vec<ContractOffer> = wanted
            .iter()
            .map(|(name, _)| ContractOffer {
                name: name.clone(),
                fingerprint: 2,
                methods: vec![method; 20],
            })
            .collect();
        let hello = Hello {
            checksum: Checksum::Crc32,
            name: "n".repeat(MAX_NAME).into(),
            epoch: 1,
            wanted: wanted.clone(),
            ..Hello::new(Limits::of(&Config::default()))
        };
        let len = |hello: &Hello| {
            let mut out = Vec::new();
            hello.put(&mut out, 0);
            if hello.nonce.is_some() {
                Hello::put_proof(&mut out, &[2; PROOF]);
            }
            out.len()
        };
        let max = HANDSHAKE_MAX_FRAME as usize;
        assert!(len(&hello) > max - 512 && len(&hello) <= max);
        let verdicts = judge(&wanted, &served);
        assert_eq!(verdicts.len(), wanted.len());
        let answer = Hello {
            wanted: Vec::new(),
            verdicts,
            nonce: Some([1; NONCE]),
            ..hello
        };
        assert!(len(&answer) <= max, "{} bytes", len(&answer));
    }
}
