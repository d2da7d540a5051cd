//! The protocol, without sockets and without a clock.

mod config;
mod head;

pub use config::{Config, ContractOffer, ContractVerdict, LocalIdentity, MethodOffer, Peer};
pub use head::{CallKind, Codec, Detail, Metadata, OpenHead, Reason, ReplyHead, Retry, Status};
