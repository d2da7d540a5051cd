//! One instance's own entry.

use std::time::Duration;

use super::{
    entry::{LocalInstance, Slot, State},
    unusable,
    watcher::POLL,
};
use crate::{
    discovery::{Address, Advert, Advertisement, BoxFuture, Health, Instance},
    error::{Error, Kind},
};

/// Longer than any reader takes to look again.
const SEEN: Duration = POLL.saturating_mul(3);

/// An instance that this process announced.
#[derive(Debug)]
pub(super) struct LocalAdvert {
    slot: Slot,
    instance: Instance,
    bind: Address,
    bound: Option<Address>,
    state: State,
}

impl LocalAdvert {
    pub(super) fn new(slot: Slot, advertisement: &Advertisement) -> Self {
        let instance = Instance { name: slot.name.as_str().into(), epoch: advertisement.epoch };
        let loopback = Address::Tcp(([127, 0, 0, 1], 0).into());
        let bind = advertisement.listen.clone().unwrap_or(loopback);
        Self { slot, instance, bind, bound: None, state: State::Starting }
    }

    /// There is no entry before there is an address.
    fn write(&self) -> Result<(), Error> {
        let Some(address) = self.bound.clone() else { return Ok(()) };
        let instance = LocalInstance {
            name: self.slot.name.clone(),
            address,
            epoch: self.instance.epoch,
            state: self.state,
            pid: std::process::id(),
        };
        self.slot.write(&instance).map_err(|error| unusable(&error.to_string()))
    }
}

impl Advert for LocalAdvert {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        self.bound = Some(dialable(address));
        Box::pin(async { self.write() })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        self.state = match health {
            Health::Starting => State::Starting,
            Health::Ready => State::Ready,
            Health::Draining => State::Draining,
        };
        Box::pin(async move {
            if self.state == State::Ready && self.bound.is_none() {
                return Err(Error::new(Kind::Protocol, "ready before an address was bound"));
            }
            self.write()?;
            if self.state == State::Draining {
                tokio::time::sleep(SEEN).await;
            }
            Ok(())
        })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        drop(self);
        Box::pin(async { Ok(()) })
    }
}

/// "Every interface" is announced as this machine: the registry is for nobody else.
fn dialable(address: Address) -> Address {
    match address {
        Address::Tcp(mut tcp) if tcp.ip().is_unspecified() => {
            let loopback: std::net::IpAddr =
                if tcp.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
            tcp.set_ip(loopback);
            Address::Tcp(tcp)
        }
        address => address,
    }
}
