//! The protocol, without sockets and without a clock.
//!
//! Bytes go in as verified [`Frame`]s, calls and answers as method calls on a [`Connection`]; out
//! come bytes to write and [`Event`]s. Time is passed in. So the whole protocol runs in a test or a
//! simulation as it runs on a socket. `docs/wire.md` is its specification.
//!
//! # Layout
//!
//! - `frame`: the frame header, its checksum, cutting a byte stream into frames
//! - `tlv`, `hello`, `layout`: the bytes of hellos, heads, STATUS and GOAWAY
//! - `head`, `config`: the same as values
//! - `excess`: what a head may hold
//! - `items`: values in a stream
//! - `body`, `buffers`: what is sent as one message, and what it is written to
//! - `output`: what is written next
//! - `flow`, `direction`: credit, and the bytes of one direction of a stream
//! - `ring`: what is remembered by stream id
//! - [`connection`](Connection): the state machine
//! - `budget`: what a peer may send that brings nothing
//! - `holding`: bytes that are held for calls
//! - `counters`: what a well-behaved peer causes little of
//! - `fault`: why a connection ended, by whose fault
//! - `keys`: what is proved with a shared key

mod body;
mod budget;
pub(crate) mod buffers;
mod config;
mod connection;
mod counters;
mod direction;
mod excess;
mod fault;
mod flow;
mod frame;
mod head;
mod hello;
mod holding;
mod items;
mod keys;
mod layout;
mod output;
mod ring;
mod tlv;

pub use body::Body;
pub use config::{
    Certificate, Config, ContractOffer, ContractVerdict, Identity, LocalIdentity, MethodOffer, Peer,
};
pub(crate) use connection::Arrived;
#[cfg(feature = "testing")]
pub use connection::{Audit, StreamAudit, StreamWindow};
pub use connection::{Connection, Event, Failure, Landing, Read, Refusal, Side, take_preface};
pub use counters::{Counters, Totals};
pub use excess::{
    Excess, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_SESSION_KEY, check_metadata,
    check_session_key,
};
pub use fault::{Fault, GoAwayReason};
pub use frame::{
    Checksum, Flags, Frame, FrameReader, FrameType, HEADER_LEN, MAJOR_VERSION, PREFACE, put_frame,
};
pub use head::{CallKind, Codec, Detail, Metadata, OpenHead, Reason, ReplyHead, Retry, Status};
pub use hello::{Hello, Limits};
pub use holding::{ByteBudget, Held};
pub(crate) use items::item_prefix;
pub use items::{Item, ItemReader, ItemRef, put_item_prefix};
pub use keys::{KeySource, Keys, KeysError, Secrets};
pub use layout::{
    GoAway, parse_go_away, parse_open, parse_reply, parse_status, put_go_away, put_open, put_reply,
    put_status,
};
pub use output::Output;
pub(crate) use ring::{Kept, Places, Ring};
