//! The two directions of a stream: bytes that come in, bytes that go out.

mod inbound;
mod message;
mod outbound;
mod pages;

pub(crate) use self::{
    inbound::{Inbound, Rejected},
    message::{MAPPED, Message},
    outbound::Outbound,
    pages::SparePages,
};
