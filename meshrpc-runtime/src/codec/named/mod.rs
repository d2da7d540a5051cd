//! What the codecs with names share: a guard around the serializer and one around the deserializer
//! of the format's own crate.

mod bounded;
mod guard;

pub(super) use self::{
    bounded::read_bounded,
    guard::{Guard, Guarded},
};
