//! What a side brings into the handshake, and what it learns there.

use std::{sync::Arc, time::Duration};

use super::{counters::Totals, head::Codec, keys::KeySource};

/// Limits, timers and offers of one side; one value serves every connection of a client or server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Largest payload of one frame this side reads, in bytes.
    pub max_frame: u32,
    /// Largest buffered message this side reads, in bytes.
    pub max_message: u64,
    /// Calls at one time that the peer may have open.
    pub max_streams: u32,
    /// Bytes the peer may send on the connection before credit is returned.
    pub connection_window: u32,
    /// Bytes the peer may send on one stream before they are consumed.
    pub stream_window: u32,
    /// Body bytes at the start of a direction that need no connection credit.
    pub inline_max: u32,
    /// Bytes of answers that the peer may leave unread before nothing more of it is read.
    pub max_unread: u32,
    /// Frames that bring nothing and may come at once.
    pub max_idle_frames: u32,
    /// How long the handshake may take.
    pub handshake_timeout: Duration,
    /// Silence after which a ping goes out while calls are in flight.
    pub ping_busy: Duration,
    /// Silence after which a ping goes out while there are none.
    pub ping_idle: Duration,
    /// How long a ping may go unanswered.
    pub ping_timeout: Duration,
    /// The peer must not ping more often than this.
    pub ping_min: Duration,
    /// Whether frames carry a CRC-32; used if either side asks for it.
    pub checksum: bool,
    /// Client: the instance that has to answer, by its stable name.
    pub wanted_instance: Option<String>,
    /// Codecs this side reads.
    pub codecs: &'static [Codec],
    /// Who this side is.
    pub identity: LocalIdentity,
    /// Client: contracts wanted. Server: contracts served.
    pub contracts: Arc<[ContractOffer]>,
    /// Keys one of which both sides have to hold. A connection is given what holds when it begins,
    /// by its owner.
    pub keys: Option<Arc<dyn KeySource>>,
    /// Where connections add what they count.
    pub totals: Arc<Totals>,
}

/// Who a side says it is.
#[derive(Clone, Debug, Default)]
pub struct LocalIdentity {
    /// Server: the instance's stable name. Client: a name for logs. At most 128 bytes.
    pub name: String,
    /// Server: epoch of this boot. Client: 0.
    pub epoch: u64,
}

/// A contract as one side has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractOffer {
    /// Wire name.
    pub name: String,
    /// Structural fingerprint over all methods, 0 if unknown.
    pub fingerprint: u64,
    /// Fingerprint of each method.
    pub methods: Vec<MethodOffer>,
}

/// A method as one side has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodOffer {
    /// Method key.
    pub key: u64,
    /// Structural fingerprint, 0 if unknown.
    pub fingerprint: u64,
}

/// What the server says of a contract the client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractVerdict {
    /// Served, with the same fingerprint: every method may be called positionally.
    Same,
    /// Served, with these methods.
    Differs(Vec<MethodOffer>),
    /// Not served.
    Absent,
}

/// What the handshake told about the other side.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Instance name of a server, or a client's name for itself.
    pub name: Arc<str>,
    /// Epoch of a server's boot.
    pub epoch: u64,
    /// A client learns the verdict on each contract it named, in its order.
    pub verdicts: Vec<(String, ContractVerdict)>,
    /// Largest message the peer reads, in bytes.
    pub max_message: u64,
    /// Codecs the peer reads, as bits `1 << number`.
    pub codecs: u32,
    /// Who it is, as far as that is known. The name is the peer's own word, this is not.
    pub identity: Identity,
}

/// What is known of who is at the other end of a connection, and by what.
///
/// It is about the end of the connection, no more: what a proxy says of those behind it, and what a
/// peer says of itself, is not in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// The holder of this certificate, which was verified when the connection was made.
    Tls(Arc<Certificate>),
    /// A process of this machine, by the word of the system: its user id.
    Uid(u32),
    /// Somebody who has a key in common with this side.
    Key,
    /// Nothing.
    #[default]
    Unverified,
}

/// What a certificate says of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// Its DNS names, and its URIs, such as `spiffe://…`.
    pub names: Vec<String>,
    /// SHA-256 over the whole of it.
    pub fingerprint: [u8; 32],
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_frame: 262_152,
            max_message: 128 << 20,
            max_streams: 1024,
            connection_window: 4 << 20,
            stream_window: 1 << 20,
            inline_max: 16 << 10,
            max_unread: 256 << 10,
            max_idle_frames: 20_000,
            handshake_timeout: Duration::from_secs(5),
            ping_busy: Duration::from_secs(15),
            ping_idle: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(10),
            ping_min: Duration::from_secs(5),
            checksum: true,
            wanted_instance: None,
            codecs: if cfg!(feature = "json") {
                &[Codec::Positional, Codec::FieldNamed, Codec::Json]
            } else {
                &[Codec::Positional, Codec::FieldNamed]
            },
            identity: LocalIdentity::default(),
            contracts: Arc::new([]),
            keys: None,
            totals: Arc::default(),
        }
    }
}
