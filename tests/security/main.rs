//! Who may connect, to whom, and what is known of them: TLS, shared keys, Unix sockets; and that
//! keys stay where they are.
//!
//! # Layout
//! - `tls`: certificates that are trusted, and all others
//! - `keys`: keys that both sides have, and all others
//! - `peers`: what handlers are told of their callers
//! - `hostile`: ends of a TLS channel that mean no good
//! - `quiet`: what is written about all this
//! - `warned`: what a server says at its start that others get past
//! - `office`, `papers`: a service behind an address of the test's choice, and its certificates

mod hostile;
mod keys;
mod office;
mod papers;
mod peers;
mod quiet;
mod tls;
mod warned;
