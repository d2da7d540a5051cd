//! The two directions of a stream: bytes that come in, bytes that go out.

mod inbound;
mod message;
mod outbound;

pub(crate) use self::{
    inbound::{Inbound, Rejected},
    message::Message,
    outbound::Outbound,
};
