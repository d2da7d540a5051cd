//! What both sides bound, as `docs/limits.md` says, and what exceeds it: lowered, each limit fails
//! what is over it with the words of the table; raised, it lets the same pass.
//!
//! # Layout
//! - `table`: the table of the document
//! - `messages`, `heads`: what is too large
//! - `connections`: handshakes, connections, frames
//! - `silence`: pings
//! - `quotas`, `bytes`: what is shed, and when it may be made again
//! - `attempts`: how often a client tries
//! - `floods`: the memory of a server under them
//! - `desk`, `raw`: a service, and a peer that sends what it likes

mod attempts;
mod bytes;
mod connections;
mod desk;
mod floods;
mod heads;
mod messages;
mod quotas;
mod raw;
mod silence;
mod table;
