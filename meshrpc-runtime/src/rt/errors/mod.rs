//! How the error of a method crosses, with nothing asked of it that it has not got.
//!
//! The server picks by what the error *is* ([`send`]): a serde type crosses as a value; one with
//! sources, as messages outermost first; one that can only be shown, as text. The client rebuilds a
//! serde type ([`typed`]), and puts everything else, also its own failures, into the error by the
//! best conversion that the type has ([`fail`]).

pub mod fail;
pub mod send;
pub mod typed;
