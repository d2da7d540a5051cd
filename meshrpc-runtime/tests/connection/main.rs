//! Two ends of a connection over a pipe in memory and over sockets: what callers and handlers see.

mod calls;
mod endings;
mod pair;
mod peers;
mod streams;
