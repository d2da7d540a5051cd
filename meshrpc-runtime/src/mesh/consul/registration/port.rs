//! Ports for proxies.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
};

use socket2::{Domain, Socket, Type};

/// Where ports for proxies are taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ports {
    /// The system chooses.
    #[default]
    Any,
    /// These, where a firewall lets no others through.
    Range(RangeInclusive<u16>),
}

/// A port that is kept for a proxy.
///
/// It was bound here, so that it is nobody else's. On Linux it stays bound, by a socket that never
/// listens and lets others bind beside it: a proxy that is started takes it, and the system gives
/// it to nobody who asks for just any port, even while the proxy is started again. Elsewhere a
/// second socket could not be bound, and it is released. Somebody who asks for this very port may
/// take it all the same, which [`is_taken`](Self::is_taken) tells.
#[derive(Debug)]
pub(crate) struct Reservation {
    port: u16,
    ip: IpAddr,
    _held: Option<Socket>,
}

impl Ports {
    /// A port that nobody listens on at `ip`, none of `not`.
    ///
    /// # Errors
    /// `AddrInUse` if all of a range are taken; else as the system says.
    pub(crate) fn reserve(&self, ip: IpAddr, not: Option<u16>) -> io::Result<Reservation> {
        match self {
            Ports::Any => {
                let first = Reservation::new(ip, 0)?;
                match not {
                    // Kept until there is another.
                    Some(not) if first.port == not => Reservation::new(ip, 0),
                    _ => Ok(first),
                }
            }
            Ports::Range(range) => {
                let (low, high) = (*range.start(), *range.end());
                let many = u32::from(high.saturating_sub(low)) + 1;
                // Processes that start together begin at different places.
                let first = fastrand::u32(0..many);
                (0..many)
                    .filter_map(|step| u16::try_from(u32::from(low) + (first + step) % many).ok())
                    .filter(|port| Some(*port) != not)
                    .find_map(|port| Reservation::new(ip, port).ok())
                    .ok_or_else(|| {
                        let message = format!("all ports from {low} to {high} are taken");
                        io::Error::new(io::ErrorKind::AddrInUse, message)
                    })
            }
        }
    }
}

impl Reservation {
    fn new(ip: IpAddr, port: u16) -> io::Result<Self> {
        // One who bound a port within a range without listening may be a neighbour that keeps it.
        let lone = bind(ip, port, port == 0)?;
        let port = match lone.local_addr()?.as_socket() {
            Some(address) => address.port(),
            None => return Err(io::Error::other("a socket without a port")),
        };
        let held = if cfg!(target_os = "linux") {
            lone.set_reuse_address(true)?;
            Some(lone)
        } else {
            None
        };
        Ok(Self {
            port,
            ip,
            _held: held,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether somebody listens on it. To be asked while its proxy does not run.
    pub(crate) fn is_taken(&self) -> bool {
        bind(self.ip, self.port, true).is_err()
    }
}

fn bind(ip: IpAddr, port: u16, reuse: bool) -> io::Result<Socket> {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let address = SocketAddr::new(any, port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(reuse)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_proxy_can_listen_on_a_port_that_is_kept_for_it() {
        let reservation = Ports::Any.reserve(HERE, None).unwrap();
        assert!(!reservation.is_taken());
        let proxy = TcpListener::bind((HERE, reservation.port())).unwrap();
        assert!(reservation.is_taken());
        drop(proxy);
        assert!(!reservation.is_taken());
    }

    #[test]
    fn no_two_reservations_have_one_port() {
        let mut ports: Vec<_> = (0..200)
            .map(|_| Ports::Any.reserve(HERE, None).unwrap())
            .collect();
        ports.sort_by_key(Reservation::port);
        ports.dedup_by_key(|reservation| reservation.port());
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_range_gives_what_is_free_in_it_and_says_when_nothing_is() {
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let range = Ports::Range(port..=port);
        let error = range.reserve(HERE, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        let kept = range.reserve(HERE, None).unwrap();
        assert_eq!(kept.port(), port);
        assert!(range.reserve(HERE, None).is_err(), "it is kept");
        assert!(range.reserve(HERE, Some(port)).is_err());
    }
}
