//! Ports that nobody else takes.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::RangeInclusive,
    sync::{Mutex, PoisonError},
};

/// Below those that systems give to whoever asks for any: an agent that was killed finds its own
/// free when it comes back.
const FROM: u16 = 15_000;
const TO: u16 = 32_000;

/// The ports of an agent.
pub(super) struct Ports {
    pub(super) http: u16,
    pub(super) grpc: u16,
    pub(super) server: u16,
    pub(super) serf: u16,
}

impl Ports {
    pub(super) fn new() -> Self {
        Self {
            http: free(),
            grpc: free(),
            server: free(),
            serf: free(),
        }
    }
}

/// A port of loopback that is free, and that nobody else in this process is given.
pub fn free() -> u16 {
    *free_range(1).start()
}

/// As [`free`], several in a row.
///
/// # Panics
/// If there are none.
pub fn free_range(count: u16) -> RangeInclusive<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..10_000 {
        let start = fastrand::u16(FROM..TO - count);
        let range = start..=start + (count - 1);
        if range
            .clone()
            .all(|port| !given.contains(&port) && is_free(port))
        {
            given.extend(range.clone());
            return range;
        }
    }
    panic!("no {count} ports in a row are free");
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    let (tcp, udp) = (TcpListener::bind(address), UdpSocket::bind(address));
    tcp.is_ok() && udp.is_ok()
}
