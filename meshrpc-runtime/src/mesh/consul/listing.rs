//! Consul's entries as endpoints.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{net::lookup_host, time::timeout};

use super::agent::{Entry, Lookup};
use crate::discovery::{Address, Endpoint, Instance, Via};

/// Failure domain, in the Meta of the instance or of its node.
pub(super) const ZONE: &str = "zone";

/// Time for the host names of one list.
const LOOKUP: Duration = Duration::from_secs(2);
/// The largest weight; more are cut, which leaves their order.
const HEAVIEST: i64 = 65_535;

/// Makes endpoints of entries. It remembers the host names that some have for an address.
#[derive(Debug, Default)]
pub(super) struct Listing {
    resolved: HashMap<String, IpAddr>,
    /// Ids of entries that were complained about.
    refused: HashSet<String>,
}

/// An entry, understood.
#[derive(Debug)]
struct Listed {
    id: String,
    node: String,
    /// Who it is, if it was registered by this crate.
    own: Option<Instance>,
    place: Place,
    weight: u32,
    zone: Option<Arc<str>>,
}

#[derive(Debug)]
enum Place {
    Known(Address),
    Host(String, u16),
}

impl Listing {
    /// One endpoint for each instance. Entries that nobody could dial are left out, with a warning
    /// for the first time.
    pub(super) async fn endpoints(
        &mut self,
        entries: Vec<Entry>,
        lookup: &Lookup,
    ) -> Vec<Endpoint> {
        let mut listed = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = entry.service.id.clone();
            match Listed::new(entry) {
                Ok(entry) => listed.push(entry),
                Err(why) => self.refuse(&lookup.service, id, &why),
            }
        }
        self.resolve(&listed).await;
        let via = match lookup.connect {
            true => Via::Sidecar {
                service: lookup.service.as_str().into(),
            },
            false => Via::Direct,
        };
        let mut endpoints = Vec::with_capacity(listed.len());
        for (instance, entry) in named(listed) {
            let dial = match entry.place {
                Place::Known(address) => address,
                Place::Host(host, port) => match self.resolved.get(&host) {
                    Some(&ip) => Address::Tcp(SocketAddr::new(ip, port)),
                    None => {
                        let why = format!("its address `{host}` has no IP address");
                        self.refuse(&lookup.service, entry.id, &why);
                        continue;
                    }
                },
            };
            endpoints.push(Endpoint {
                dial,
                instance: Some(instance),
                via: via.clone(),
                weight: entry.weight,
                zone: entry.zone,
            });
        }
        endpoints
    }

    fn refuse(&mut self, service: &str, id: String, why: &str) {
        if !self.refused.contains(&id) {
            tracing::warn!(service, id, why, "an instance in Consul's list is left out");
            self.refused.insert(id);
        }
    }

    /// Looks up every host name once. One that cannot be found keeps the address it had.
    async fn resolve(&mut self, listed: &[Listed]) {
        let hosts: HashSet<&str> = listed
            .iter()
            .filter_map(|entry| match &entry.place {
                Place::Host(host, _) => Some(host.as_str()),
                Place::Known(_) => None,
            })
            .collect();
        self.resolved
            .retain(|host, _| hosts.contains(host.as_str()));
        let all = async {
            for host in hosts {
                let Ok(found) = lookup_host((host, 0)).await else {
                    continue;
                };
                let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                let first = found.iter().find(|ip| ip.is_ipv4()).or(found.first());
                if let Some(&ip) = first {
                    self.resolved.insert(host.to_owned(), ip);
                }
            }
        };
        // Who is not found in time is found for the next list.
        let _ = timeout(LOOKUP, all).await;
    }
}

impl Listed {
    fn new(entry: Entry) -> Result<Self, String> {
        let place = Place::of(&entry)?;
        let Entry { node, service, .. } = entry;
        let zone = service.meta.get(ZONE).or_else(|| node.meta.get(ZONE));
        let weight = service.weights.map_or(1, |weights| weights.passing);
        Ok(Self {
            own: service.instance(),
            place,
            weight: weight.clamp(1, HEAVIEST) as u32,
            zone: zone.map(|zone| zone.as_str().into()),
            id: service.subject_id().to_owned(),
            node: node.node,
        })
    }
}

impl Place {
    fn of(entry: &Entry) -> Result<Self, String> {
        let service = &entry.service;
        if !service.socket_path.is_empty() {
            let path = PathBuf::from(&service.socket_path);
            return match path.is_absolute() {
                true => Ok(Place::Known(Address::Unix(path))),
                false => Err("the path of its socket is not absolute".to_owned()),
            };
        }
        let host = entry.host();
        let port = u16::try_from(service.port).ok().filter(|&port| port != 0);
        let port = port.ok_or_else(|| format!("{} is no port", service.port))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Err(format!("nobody can dial the address {ip}")),
            Ok(ip) => Ok(Place::Known(Address::Tcp(SocketAddr::new(ip, port)))),
            Err(_) if host.is_empty() => Err("it has no address, and neither has its node".into()),
            Err(_) => Ok(Place::Host(host.to_owned(), port)),
        }
    }
}

/// Gives every entry its name: its own, or for one that somebody else registered its id, which is
/// unique on its node only. Two boots under one name are an instance that was restarted before
/// Consul noticed its end: the later one is meant.
fn named(listed: Vec<Listed>) -> Vec<(Instance, Listed)> {
    let mut ids: HashMap<String, usize> = HashMap::new();
    for entry in listed.iter().filter(|entry| entry.own.is_none()) {
        *ids.entry(entry.id.clone()).or_default() += 1;
    }
    let mut named: BTreeMap<Arc<str>, (Instance, Listed)> = BTreeMap::new();
    for entry in listed {
        let foreign = |name: String| Instance {
            name: name.into(),
            epoch: 0,
        };
        let instance = match &entry.own {
            Some(own) => own.clone(),
            None if ids.get(&entry.id).is_some_and(|&count| count > 1) => {
                foreign(format!("{}@{}", entry.id, entry.node))
            }
            None => foreign(entry.id.clone()),
        };
        match named.get(&instance.name) {
            Some((known, _)) if known.epoch >= instance.epoch => {}
            _ => {
                named.insert(Arc::clone(&instance.name), (instance, entry));
            }
        }
    }
    named.into_values().collect()
}

#[cfg(test)]
mod tests;
