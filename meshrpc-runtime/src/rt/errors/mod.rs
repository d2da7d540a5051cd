//! How the error of a method crosses, with nothing asked of it that it has not got.
//!
//! The server picks by what the error *is* ([`send`]): a serde type crosses as a value; one with
//! sources, as messages outermost first; one that can only be shown, as text. The client rebuilds a
//! serde type ([`typed`]), and puts everything else, also its own failures, into the error by the
//! best conversion that the type has ([`fail`]). A type with `#[derive(MeshError)]` goes before all of
//! these, and decides by variant ([`derived`]).

pub(super) mod derived;
pub mod fail;
pub mod send;
pub(super) mod text;
pub mod typed;
